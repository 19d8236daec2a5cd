"""Face networks as functions over arrays: find, align, judge, describe and compare faces.

At run time nothing here touches the network, settings, clocks or the messages of `contract`. Only `python -m models fetch` reaches out, at
set-up. The library that runs the networks keeps and sends reports of their use unless it is told not to before it is loaded
(https://onnxruntime.ai, since 1.29 on Linux too): it is told here, for nothing about a face may leave by that way either.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
