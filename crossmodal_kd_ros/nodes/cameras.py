# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What pictures come from where no driver sends them: a device, files, the simulated wall."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np

from crossmodal_kd_ros.errors import ConfigurationError, CrossmodalError
from crossmodal_kd_ros.runtime.picture_files import PictureFileError, read_photo

PHOTO_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
PHOTO_S = 1.5
SIMULATOR = 'simulator'

_DEVICE = 'v4l2'
# OpenCV waits 10 s for a picture of a device that gives none, and reads this the first time: a
# node has to end sooner. CAP_PROP_READ_TIMEOUT_MSEC does not count for V4L2.
_PATIENCE = ('OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT', '1')
Moment = TypeVar('Moment')

# The view drifts over a photograph like a camera on a slow robot: it shows this share of it, and
# never stands still.
_MIN_SHARE, _MAX_SHARE = 0.80, 0.95


class CameraLost(CrossmodalError):
    """A camera gives no picture until it is opened again."""


class Source(Protocol):
    """What the pictures of a camera come from; to be used from one thread.

    Attributes:
        is_live: it brings pictures at its own pace; another has one whenever it is asked.
    """

    is_live: bool

    def capture(self, moment: Callable[[], Moment]) -> tuple[Moment, np.ndarray]:
        """Return the next picture, `uint8[H, W, 3]` RGB, behind what `moment()` says.

        `moment` is called as the picture is taken; it may wait.

        Raises:
            CameraLost: there will be none.
            PictureFileError: this one cannot be read.
        """

    def close(self) -> None:
        """Release what it holds."""


def open_source(text: str, period_s: float) -> Source:
    """Return the source that the parameter `camera_source` says, open.

    Args:
        text: `v4l2:` and the path or number of a device, a folder of pictures, a video file, or
            `simulator`.
        period_s: from one picture to the next.

    Raises:
        ConfigurationError: it is none of them, or cannot be opened.
    """
    kind, _, device = text.partition(':')
    if kind == _DEVICE:
        path = f'/dev/video{device}' if device.isdigit() else device
        return DeviceSource(path, rate_hz=1.0 / period_s)
    if text == SIMULATOR:
        return WallSource(period_s)
    path = Path(text).expanduser()
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return VideoSource(path)
    raise ConfigurationError(
        f'expected a folder of pictures or a video file at {text}, found neither: correct '
        f'camera_source, or use {_DEVICE}:/dev/video0 for a device, or {SIMULATOR}'
    )


class DeviceSource:
    """A camera that Video4Linux knows."""

    is_live = True

    def __init__(
        self, path: str, *, size_px: tuple[int, int] | None = None, rate_hz: float | None = None
    ) -> None:
        """Open it.

        Args:
            path: of the device, such as `/dev/video0`.
            size_px: width and height to ask for; it may choose others.
            rate_hz: pictures a second to ask for, likewise.

        Raises:
            ConfigurationError: nothing answers there.
        """
        self._path = path
        os.environ.setdefault(*_PATIENCE)
        # OpenCV would say so in its own words, on the error output.
        is_there = os.access(path, os.R_OK | os.W_OK)
        self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2) if is_there else None
        if self._capture is None or not self._capture.isOpened():
            raise ConfigurationError(
                f'expected a camera at {path}, found none that can be opened: plug it in, end who '
                'else uses it, or see who may read it (the group video)'
            )
        if size_px is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_px[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_px[1])
        if rate_hz is not None:
            self._capture.set(cv2.CAP_PROP_FPS, rate_hz)

    def capture(self, moment: Callable[[], Moment]) -> tuple[Moment, np.ndarray]:
        """Return its next picture; see `Source`."""
        is_taken = self._capture.grab()
        taken = moment()  # before it is decoded, which takes milliseconds where it is a JPEG
        is_taken, picture = self._capture.retrieve() if is_taken else (False, None)
        if not is_taken:
            raise CameraLost(f'the camera at {self._path} gives no picture')
        return taken, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


class FolderSource:
    """The pictures of a folder, in the order of their names, again and again."""

    is_live = False

    def __init__(self, folder: Path) -> None:
        """Find them, in subfolders too.

        Raises:
            ConfigurationError: it has no picture that can be read.
        """
        self._paths, self._next = _photos_in(folder), 0
        for path in self._paths:
            try:
                read_photo(path)
            except PictureFileError as error:
                why = str(error)
            else:
                return
        raise ConfigurationError(
            f'expected pictures that can be read in {folder}, found none among '
            f'{len(self._paths)} files; the last: {why}'
        )

    def capture(self, moment: Callable[[], Moment]) -> tuple[Moment, np.ndarray]:
        """Return its next picture; see `Source`."""
        path = self._paths[self._next % len(self._paths)]
        self._next += 1
        try:
            picture = read_photo(path)
        except PictureFileError as error:
            raise PictureFileError(f'{path}: {error}') from error
        return moment(), picture

    def close(self) -> None:
        """Do nothing: no file is open between two pictures."""


class VideoSource:
    """The pictures of a video file, again and again."""

    is_live = False

    def __init__(self, path: Path) -> None:
        """Open it; raise `ConfigurationError` if it is no video that OpenCV reads."""
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise ConfigurationError(
                f'expected a video that OpenCV reads at {path}, got none: convert it, to MP4 say'
            )

    def capture(self, moment: Callable[[], Moment]) -> tuple[Moment, np.ndarray]:
        """Return its next picture, the first one after the last; see `Source`."""
        is_read, picture = self._capture.read()
        if not is_read:
            self._capture.open(str(self._path))
            is_read, picture = self._capture.read()
        if not is_read:
            raise CameraLost(f'there is no picture in {self._path}')
        return moment(), cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class WallSource:
    """The simulated living wall, as a robot passes it."""

    is_live = False

    def __init__(self, period_s: float) -> None:
        """Draw the first panel."""
        # Imported here: a robot has no use for it.
        from crossmodal_kd_ros.simulation import World

        self._world, self._period_s, self._next = World(0), period_s, 0

    def capture(self, moment: Callable[[], Moment]) -> tuple[Moment, np.ndarray]:
        """Return its next picture; see `Source`."""
        picture = self._world.camera(self._next * self._period_s)
        self._next += 1
        return moment(), picture

    def close(self) -> None:
        """End the rendering thread."""
        self._world.close()


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
        paths = _photos_in(Path(folder))
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


def _photos_in(folder: Path) -> list[Path]:
    """Return the photographs in a folder and those below it, by name.

    Raises:
        ConfigurationError: there is none.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in PHOTO_SUFFIXES)
    if not paths:
        raise ConfigurationError(
            f'expected a folder with photographs ({", ".join(PHOTO_SUFFIXES)}) at {folder}, '
            'found none'
        )
    return paths
