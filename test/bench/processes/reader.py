# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Reading and decoding a bag alone, plainly: rosbags, OpenCV, and the view of every picture.

JPEGs are decoded at half their size, as the package does.

    python reader.py BAG VIEW_PX

Prints seconds and peak memory as JSON.
"""

import json
import sys
import time
from pathlib import Path

import cv2
from memory_of import memory_mib
from rosbags.highlevel import AnyReader

from crossmodal_kd_ros.profile import square_view


def main() -> None:
    """Read every message; make a picture of each image that is one, and its view."""
    bag, view_px = Path(sys.argv[1]), int(sys.argv[2])
    cv2.setNumThreads(1)
    start_s = time.perf_counter()
    views = 0
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            if getattr(message, 'format', '') == 'jpeg':
                square_view(
                    cv2.imdecode(message.data, cv2.IMREAD_REDUCED_COLOR_2), size_px=view_px
                )
                views += 1
    took_s = time.perf_counter() - start_s
    peak_mib = memory_mib()['peak_mib']
    print(json.dumps({'took_s': took_s, 'peak_mib': peak_mib, 'views': views}))


if __name__ == '__main__':
    main()
