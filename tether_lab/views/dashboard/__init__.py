"""The dashboard: a live view of a lab in a notebook. Values first, drawing second.

``question`` is what a person asks for (tab, filters, page, chosen job), ``board`` and ``detail`` make pure
values of what was read, ``widget`` hands them to ``dashboard.js``, which draws them and decides nothing,
``pump`` keeps them true. Called by ``lab``, which reads and acts; nothing here reads the queue.

Decisions: a thread of its own feeds the view, because a task on the kernel's loop stops for as long as a
cell runs, and comm messages may be sent from any thread. Controls are made once and only their contents
replaced, so focus, scrolling and selection stay. What the view asks for comes as messages, which the
kernel handles between cells (ipykernel 7.4): the view says so instead of looking dead. Messages ask, traits
answer: nothing is written from two sides. A look that took long is followed by a longer rest, so that
a board over a million jobs costs a part of a core, not a core.
"""
