"""A corpus of tricky cells: as a job each prints what it prints in the kernel, or says beforehand
that it will not.

The cases stand in ``cells/*.txt``, made of these lines:

    # case: one sentence
    <code of a setup cell, run in the kernel>
    # %%                                a further setup cell
    # %% job [flags and parameters]     the cell that runs as a job, and then in the kernel
    # expect: same                      (default) equal outputs
    # expect: refused TEXT              `%%job` itself fails and its message contains TEXT
    # expect: warned TEXT               `%%job` says TEXT when the cell is submitted
    # expect: fails TEXT                the job fails, loudly, with TEXT in its error
    # expect: prints TEXT               the outputs contain TEXT: where a kernel cannot be the judge (a
                                        parameter, a descriptor that it reads late)

``reading`` reads them, ``truth`` runs the kernel, ``normal`` makes outputs comparable.
"""
