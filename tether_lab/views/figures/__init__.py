"""Figures (plotly) of what the history of a lab says: handed frames, give ``plotly.graph_objects.Figure``.

Called by ``lab.figures`` and ``lab.report``. Never reads the queue. ``style`` is the one look: a palette
that people with colour blindness can tell apart and that stands on light and dark alike, colour never the
only sign, titles that say what is shown and how much of it, empty states that say why. The data are bins,
quantiles and counts from ``analytics``, never a mark for each of a million attempts, so that a figure is
drawn at once and its HTML stays small. Texts of users are escaped before plotly reads them as HTML.
"""
