# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""JPEG and PNG files: whole, or refused, whatever the decoder makes of them.

OpenCV before 4.11 fills what a cut JPEG lacks with what lay in its memory, and every version fills
one that is cut and then ended. What a file must hold is read from the file itself.
"""

import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from crossmodal_kd_ros.errors import CrossmodalError
from crossmodal_kd_ros.runtime.encodings import ENCODINGS

_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
# The next marker: not a stuffed 0xFF of the coded data, nor one that restarts it.
_MARKER = re.compile(rb'\xff([^\x00\xff\xd0-\xd7])', re.DOTALL)
_RESTART = re.compile(rb'\xff([\xd0-\xd7])')
_TEM, _SOI, _EOI, _SOS, _DRI = 0x01, 0xD8, 0xD9, 0xDA, 0xDD
# Starts of frame are 0xC0 to 0xCF but for tables of codes, and one that is reserved. What follows
# the first two is not progressive.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1)
_BLOCK_PX = 8
# A file of a few kilobytes may claim gigabytes, and Pillow warns from 89 million pixels on. No
# camera of a robot has this many; as colours they take 240 MB.
_MAX_PIXELS = 80_000_000
# More coded data, for a decoder that lacks some: after each restart, so that one that waits for a
# restart finds it. A decoder that has every block reads none of it.
_MORE = b''.join(
    bytes([*random.Random(restart).choices(range(1, 255), k=96), 0xFF, 0xD0 + restart])
    for restart in range(8)
)


class PictureFileError(CrossmodalError):
    """A file is no picture, or not a whole one."""


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A JPEG or PNG with its end.

    Attributes:
        data: the file up to its end; what a camera appends is cut off.
        channels: of a pixel; 1 is grey.
        bits: of a channel.
        size_px: width and height of a JPEG.
        passes: over the picture: of a JPEG 1, or several, as of a progressive one; of a PNG 0.
        scan_ends: where the coded data of each scan of a JPEG end.
    """

    data: bytes
    channels: int
    bits: int
    size_px: tuple[int, int] = (0, 0)
    passes: int = 0
    scan_ends: tuple[int, ...] = ()

    def decode(self, view_px: int | None = None) -> np.ndarray:
        """Return the pixels: `uint8[H, W, 3]`, RGB; of one channel `uint8[H, W]` or `uint16`.

        Args:
            view_px: side of the view that is made of it, pixels. A JPEG in colour that is more
                than twice as high and as wide comes at half its size, in 0.6 of the time: both
                networks decided alike on each of 300 simulated pictures of 640x480, whose views
                differed by 0.24 steps in the mean. `None`: at its whole size.

        Raises:
            PictureFileError: it cannot be decoded, or its coded data end before the picture does.
        """
        is_halved = view_px is not None and self.channels > 1 and min(self.size_px) > 2 * view_px
        colour = cv2.IMREAD_REDUCED_COLOR_2 if is_halved else cv2.IMREAD_COLOR
        picture = _decode(self.data, cv2.IMREAD_ANYDEPTH if self.channels == 1 else colour)
        # What libjpeg has no data for it fills with one colour, unless it knows it from a pass
        # before.
        last = slice(-2 if is_halved else -4, None)
        is_filled = self.passes == 1 and np.ptp(picture[last, last], axis=(0, 1)).max() == 0
        if (is_filled or self.passes > 1) and self._lacks_data():
            raise PictureFileError(
                'expected a whole JPEG, got one whose data end before the picture does: part of '
                'it was lost on the way'
            )
        return picture

    def _lacks_data(self) -> bool:
        """Return whether a decoder would have read on after a scan, had there been more.

        By Pillow: OpenCV's libjpeg writes to stderr of what it does not need. It is faster in
        grey, where one pass holds all colours.
        """
        starts = (0, *self.scan_ends)
        parts = [
            self.data[start:end].rstrip(b'\xff') for start, end in zip(starts, self.scan_ends)
        ]
        end = self.data[self.scan_ends[-1] :]
        try:
            as_it_is, with_more = (
                _pixels(b''.join(part + more for part in parts) + end, grey=self.passes == 1)
                for more in (b'', _MORE)
            )
        except OSError:  # as Pillow says that it cannot decode a picture
            return True
        return as_it_is != with_more


def picture_file(data: bytes) -> PictureFile:
    """Return what a JPEG or PNG says of itself.

    Raises:
        PictureFileError: `data` is neither, lacks a part, or claims too many pixels.
    """
    for magic, read in _KINDS.items():
        if data.startswith(magic):
            return read(data)
    raise PictureFileError(
        f'expected a compressed picture, JPEG or PNG, got {len(data)} bytes that are none'
    )


def read_photo(path: Path) -> np.ndarray:
    """Return the photograph in a file, of any kind that OpenCV reads, `uint8[H, W, 3]`, RGB.

    Raises:
        PictureFileError: it cannot be read, or is not whole.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureFileError(
            f'expected a photograph that can be read, got: {error.strerror}'
        ) from error
    if not data.startswith(tuple(_KINDS)):
        return _decode(data, cv2.IMREAD_COLOR)
    picture = picture_file(data).decode()
    if picture.ndim == 3:
        return picture
    return ENCODINGS[f'mono{8 * picture.itemsize}'].to_rgb(picture)


def _decode(data: bytes, flags: int) -> np.ndarray:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        why = ' '.join(str(error).split())
        raise PictureFileError(f'expected a picture that can be decoded, got {why}') from error
    if picture is None:
        raise PictureFileError(
            f'expected a picture that can be decoded, got {len(data)} bytes that OpenCV refuses'
        )
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _jpeg(data: bytes) -> PictureFile:
    at, channels, bits, is_progressive, scanned = len(_JPEG) - 1, 0, 0, False, 0
    frame, scan, interval, scan_ends = b'', b'', 0, []
    while (found := _MARKER.search(data, at)) is not None:
        if scan:
            scan_ends.append(found.start())
            _check_restarts(data[at : found.start()], _units(frame, scan), interval)
            scan = b''
        marker, at = found[1][0], found.end()
        if marker in (_TEM, _SOI):
            continue
        if marker == _EOI:
            if not scanned or scanned < channels:
                break
            return PictureFile(
                data=data[:at],
                channels=channels,
                bits=bits,
                size_px=_size(frame),
                passes=len(scan_ends) + is_progressive,
                scan_ends=tuple(scan_ends),
            )
        segment = data[at : at + int.from_bytes(data[at : at + 2], 'big')]
        if marker in _FRAMES and len(segment) > 7:
            frame, bits, channels = segment, segment[2], segment[7]
            is_progressive = marker not in _SEQUENTIAL
            _check_size(*_size(segment))
        if marker == _DRI:
            interval = int.from_bytes(segment[2:4], 'big')
        if marker == _SOS and len(segment) > 3:
            scan, scanned = segment, scanned + segment[2]
        at += max(len(segment), 2)
    raise _cut('JPEG', data)


def _png(data: bytes) -> PictureFile:
    at = len(_PNG)
    while at + 12 <= len(data):
        kind, at = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], 'big')
        if kind == b'IEND' and at <= len(data) and data[12:16] == b'IHDR':
            _check_size(*(int.from_bytes(data[start : start + 4], 'big') for start in (16, 20)))
            channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(data[25], 0)
            return PictureFile(data=data[:at], channels=channels, bits=data[24])
    raise _cut('PNG', data)


_KINDS: dict[bytes, Callable[[bytes], PictureFile]] = {_JPEG: _jpeg, _PNG: _png}


def _cut(kind: str, data: bytes) -> PictureFileError:
    return PictureFileError(
        f'expected a whole {kind}, got {len(data)} bytes without its end: part of it was lost on '
        'the way'
    )


def _size(frame: bytes) -> tuple[int, int]:
    """Return width and height, in pixels, of a JPEG's frame."""
    return int.from_bytes(frame[5:7], 'big'), int.from_bytes(frame[3:5], 'big')


def _check_size(width_px: int, height_px: int) -> None:
    if width_px * height_px > _MAX_PIXELS:
        raise PictureFileError(
            f'expected a picture of up to {_MAX_PIXELS // 10**6} million pixels, got one that '
            f'says it has {width_px}x{height_px}'
        )


def _units(frame: bytes, scan: bytes) -> int:
    """Return how many units, of a block or of one of each component, a scan of a frame has."""
    sampling = {
        frame[at]: (frame[at + 1] >> 4, frame[at + 1] & 15) for at in range(8, len(frame) - 2, 3)
    }
    units = 1
    for axis, size_px in enumerate(_size(frame)):
        largest = max((factors[axis] for factors in sampling.values()), default=0)
        # A component alone has no more blocks than it needs.
        own = sampling.get(scan[3], (0, 0))[axis] if scan[2] == 1 else 1
        units *= -(-size_px * own // (largest * _BLOCK_PX)) if largest else 0
    return units


def _check_restarts(coded: bytes, units: int, interval: int) -> None:
    """Refuse coded data that lack a restart, or have one out of its turn: 0 to 7, and 0 again."""
    if not interval:
        return
    restarts, needed = _RESTART.findall(coded), (units - 1) // interval
    in_turn = [bytes([0xD0 + number % 8]) for number in range(len(restarts))]
    if restarts != in_turn or len(restarts) < needed:
        raise PictureFileError(
            f'expected a whole JPEG, with {needed} restarts in turn, got {len(restarts)} or some '
            'out of turn: part of it was lost on the way'
        )


def _pixels(jpeg: bytes, grey: bool) -> bytes:
    # Imported here: a node whose pictures are not compressed starts without it.
    from PIL import Image

    with Image.open(io.BytesIO(jpeg), formats=('JPEG',)) as image:
        if grey:
            image.draft('L', image.size)
        return image.tobytes()
