"""Face networks as functions over arrays: find, align, judge, describe and compare faces.

At run time nothing here touches the network, settings, clocks or the messages of `contract`. Only `python -m models fetch` reaches out, at
set-up.
"""
