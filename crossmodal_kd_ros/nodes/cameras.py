# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of real things for the simulator node: a folder of photographs, or a webcam."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.errors import ConfigurationError
from crossmodal_kd_ros.runtime.picture_files import PictureFileError, read_photo

PHOTO_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
PHOTO_S = 1.5

# The view drifts over a photograph like a camera on a slow robot: it shows this share of it, and
# never stands still.
_MIN_SHARE, _MAX_SHARE = 0.80, 0.95


class PhotoSource:
    """Shows each photograph of a folder for 1.5 s, under a slow pan and zoom.

    The order is drawn from the seed. The next photograph is read in a thread of its own, so that a
    large one does not stall the camera.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        seed: int,
        width_px: int,
        height_px: int,
        on_skip: Callable[[Path, str], None],
    ) -> None:
        """Find the photographs, in subfolders too.

        Args:
            folder: where they are.
            seed: of their order.
            width_px, height_px: of the pictures to show.
            on_skip: called, from another thread, with a file that cannot be read and the reason;
                the next one is shown instead.

        Raises:
            ConfigurationError: the folder does not exist, or holds no photograph that can be read.
        """
        paths = sorted(
            path for path in Path(folder).rglob('*') if path.suffix.lower() in PHOTO_SUFFIXES
        )
        if not paths:
            raise ConfigurationError(
                f'expected a folder with photographs ({", ".join(PHOTO_SUFFIXES)}) at {folder}, '
                'found none'
            )
        self._paths = [
            paths[index] for index in np.random.default_rng(seed).permutation(len(paths))
        ]
        self._size = (width_px, height_px)
        self._on_skip = on_skip
        self._reader = ThreadPoolExecutor(1, thread_name_prefix='photo_reader')
        self._next = 0
        self._shown = -1
        self._photo: np.ndarray | None = None
        self._ahead: Future[np.ndarray] = self._reader.submit(self._read)
        try:
            self._ahead.result()
        except ConfigurationError:
            self.close()
            raise

    def camera(self, t_s: float) -> np.ndarray:
        """Return the picture `uint8[H, W, 3]`, RGB, at `t_s` seconds; time only moves on."""
        index, phase = divmod(t_s / PHOTO_S, 1.0)
        if int(index) != self._shown:
            self._shown = int(index)
            self._photo = self._ahead.result()
            self._ahead = self._reader.submit(self._read)
        return self._view(self._photo, phase)

    def close(self) -> None:
        """End the reading thread."""
        self._reader.shutdown(cancel_futures=True)

    def _read(self) -> np.ndarray:
        for _ in self._paths:
            path = self._paths[self._next % len(self._paths)]
            self._next += 1
            try:
                return read_photo(path)
            except PictureFileError as error:
                self._on_skip(path, str(error))
        raise ConfigurationError(
            f'expected photographs that can be read, found none among {len(self._paths)} files'
        )

    def _view(self, photo: np.ndarray, phase: float) -> np.ndarray:
        height, width = photo.shape[:2]
        scale = min(width / self._size[0], height / self._size[1])
        share = _MAX_SHARE + (_MIN_SHARE - _MAX_SHARE) * phase
        view = (
            max(1, round(share * scale * self._size[0])),
            max(1, round(share * scale * self._size[1])),
        )
        # Around the middle, from left to right and a little downwards.
        centre = (
            width / 2 + (phase - 0.5) * (width - view[0]) * 0.8,
            height / 2 + (phase - 0.5) * (height - view[1]) * 0.4,
        )
        crop = cv2.getRectSubPix(photo, view, centre)
        shrinks = view[0] > self._size[0]
        return cv2.resize(
            crop, self._size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )


class WebcamSource:
    """A camera that OpenCV can open; `read` waits for its next picture."""

    def __init__(self, device: int, *, width_px: int, height_px: int) -> None:
        """Open it; raise `ConfigurationError` if nothing answers.

        It may choose another size than the one it is given.
        """
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise ConfigurationError(
                f'expected a webcam at device {device}, found none: check /dev/video{device} and '
                'who may read it'
            )
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)

    def read(self) -> np.ndarray | None:
        """Return the next picture `uint8[H, W, 3]`, RGB; `None` if the webcam gives none."""
        success, picture = self._capture.read()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if success else None

    def close(self) -> None:
        """Release the webcam."""
        self._capture.release()
