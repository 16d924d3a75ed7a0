"""The room for the verbs of ``lab`` over HTTP, inside a Jupyter server: tornado lives only here.

Called by the JupyterLab panel; never the parent of a worker. There is nothing in it yet.
"""
