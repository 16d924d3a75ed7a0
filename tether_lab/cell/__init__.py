"""What was typed: the magics ``%%job``, ``%job``, ``%jobs`` and ``%tether``.

Lives in the kernel, called by IPython alone. Parses, calls one verb of ``lab``, shows what came
back; never touches the queue itself, never prints from a thread.

Decisions: a user's mistake is one line (``UsageError``), a bug keeps its traceback. Lines are read
by a parser of our own, because values are Python (``xs=[1, 2]``) while flags quote like a shell.
Every flag is made from ``job.options``. A card is one output with a display id; one daemon thread a
kernel keeps the shown cards true while their jobs are unfinished. Modules import the lab only when a
magic first needs it, so ``%load_ext tether_lab`` stays quick.
"""
