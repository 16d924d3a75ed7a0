"""How jobs are shown: pure values first, drawing second.

Called by ``lab`` (a job's own display), by ``cell`` and ``cli``. Is handed values, never reads the
queue, never changes anything. ``board`` holds every decision (what the headline says, which colour,
which remedy); ``text``, ``html`` and ``mime`` draw what it decided, ``fold`` turns output rows into
notebook outputs, ``replay`` puts them into the current cell (the one file that touches IPython,
lazily).

Decisions: a card never promises what it cannot keep, so it says when it was true ("as of 10:32")
and how to ask again. Colour is never the only sign. HTML carries inline style only, no script, and
stays readable where style is taken away (GitHub).
"""
