"""The room for frames (pandas) and measures of jobs: pure functions that the views draw from.

Called by views; never reads the queue itself. There is nothing in it yet.
"""
