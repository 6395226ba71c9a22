# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Compressed pictures of which a part was lost, and whole ones that look as if."""

import zlib
from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from field_inputs import FIELD, needs_field

from crossmodal_kd_ros.nodes.cameras import PhotoSource
from crossmodal_kd_ros.runtime import picture_files
from crossmodal_kd_ros.runtime.messages import BadMessage
from crossmodal_kd_ros.runtime.picture_files import PictureFileError, picture_file
from crossmodal_kd_ros.runtime.sources import CameraReader
from crossmodal_kd_ros.runtime.topics import COMPRESSED_IMAGE

EOI = b'\xff\xd9'
# Blobs with grain: no block of it is of one colour.
RNG = np.random.default_rng(5)
SCENE = cv2.resize(RNG.integers(40, 220, (15, 20, 3), np.uint8), (320, 240))
SCENE = np.clip(SCENE + RNG.normal(0.0, 4.0, SCENE.shape), 0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray, **options: int) -> bytes:
    flags = [
        value
        for name, option in options.items()
        # OpenCV 4.6 has no name for the first of them, and does without.
        for value in (getattr(cv2, f'IMWRITE_JPEG_{name.upper()}', 7), option)
    ]
    return cv2.imencode('.jpg', picture, flags)[1].tobytes()


JPEGS = {
    'colour': jpeg(SCENE),
    'colour of full resolution': jpeg(SCENE, sampling_factor=0x111111),
    'grey': jpeg(SCENE[..., 1]),
    'with codes of its own': jpeg(SCENE, optimize=1),
    'with restarts': jpeg(SCENE, rst_interval=10),
    'progressive': jpeg(SCENE, progressive=1),
    'of odd size': jpeg(SCENE[:201, :307]),
}
PNGS = {
    'colour': cv2.imencode('.png', SCENE)[1].tobytes(),
    'grey': cv2.imencode('.png', SCENE[..., 1])[1].tobytes(),
}


@pytest.fixture
def old_decoder(monkeypatch):
    """Let OpenCV fill what a JPEG lacks, as its versions up to 4.10 do."""
    real = cv2.imdecode

    def imdecode(data, flags):
        picture = real(np.append(data, np.frombuffer(EOI, np.uint8)), flags)
        return SCENE if picture is None else picture

    monkeypatch.setattr(picture_files.cv2, 'imdecode', imdecode)


def message(data: bytes, kind: str = 'jpeg') -> SimpleNamespace:
    header = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=0))
    return SimpleNamespace(header=header, format=kind, data=array('B', data))


def first_scan(data: bytes) -> int:
    """Return where the coded data of a JPEG begin."""
    start = data.index(b'\xff\xda')
    return start + 2 + int.from_bytes(data[start + 2 : start + 4], 'big')


def positions(data: bytes, count: int) -> list[int]:
    """Return places in the coded data of a JPEG at which it may have been cut.

    None is in its last hundredth, which is a block or two.
    """
    rng = np.random.default_rng(len(data))
    places = rng.integers(first_scan(data), len(data) * 99 // 100, count)
    return [int(place) - (data[place - 1] == 0xFF) for place in places]


@needs_field
@pytest.mark.parametrize('appended', [b'', EOI, bytes(5000)])
def test_the_half_of_a_jpeg_that_came_over_a_bad_link_is_no_picture(old_decoder, appended):
    camera, half = CameraReader(COMPRESSED_IMAGE), (FIELD / 'cut_in_half.jpg').read_bytes()

    with pytest.raises(BadMessage, match='expected a whole JPEG, got .* was lost on the way'):
        camera.read(message(half + appended))[1]()
    whole = (FIELD / 'whole.jpg').read_bytes()
    assert camera.read(message(whole + appended))[1]().shape == (240, 320, 3)


@pytest.mark.parametrize('data', JPEGS.values(), ids=JPEGS)
def test_a_jpeg_that_was_cut_anywhere_is_refused_before_it_is_decoded(data):
    camera = CameraReader(COMPRESSED_IMAGE)
    for place in (*range(3, 700, 9), *positions(data, 50), len(data) - 2, len(data) - 1):
        with pytest.raises(BadMessage, match=f'expected a whole JPEG, got {place} bytes without'):
            camera.read(message(data[:place]))


@pytest.mark.parametrize('view_px', [None, 64], ids=['', 'halved'])
@pytest.mark.parametrize('data', JPEGS.values(), ids=JPEGS)
def test_a_jpeg_that_a_driver_cut_and_ended_is_refused(data, view_px):
    for place in positions(data, 40):
        with pytest.raises(PictureFileError, match='expected a'):
            picture_file(data[:place] + EOI).decode(view_px)


@pytest.mark.parametrize(
    'options', [{'rst_interval': 10}, {'rst_interval': 7}, {'rst_interval': 10, 'progressive': 1}]
)
def test_a_jpeg_that_lost_packets_in_its_middle_lacks_a_restart(options):
    data, rng = jpeg(SCENE[:201, :307], **options), np.random.default_rng(3)
    restarts = [
        place for place in range(first_scan(data), len(data) - 200)
        if data[place] == 0xFF and data[place + 1] in range(0xD0, 0xD8)
    ]  # fmt: skip
    for place in rng.choice(restarts[:-9], 30):
        # One restart, several, and as many as there are numbers for them.
        for lost in (1, 3, 8):
            rest = data[restarts[restarts.index(place) + lost - 1] + 2 :]
            with pytest.raises(PictureFileError, match='restarts in turn, .* lost on the way'):
                picture_file(data[:place] + rest)


def test_a_progressive_jpeg_of_which_a_pass_ends_too_soon_is_refused():
    data = JPEGS['progressive']
    ends = picture_file(data).scan_ends
    assert len(ends) > 5
    for end in ends:
        with pytest.raises(PictureFileError, match='end before the picture does'):
            picture_file(data[: end - 40] + data[end:]).decode()


@pytest.mark.parametrize(
    'picture', [SCENE, SCENE[:201, :307], SCENE[:1, :1], SCENE[:17, :9], SCENE[..., 1]]
)
@pytest.mark.parametrize('sampling', [0x111111, 0x211111, 0x221111, 0x411111])
@pytest.mark.parametrize('progressive', [0, 1])
def test_a_whole_jpeg_of_any_size_and_sampling_has_the_restarts_that_it_takes(
    picture, sampling, progressive
):
    for interval in (1, 2, 7, 20):
        data = jpeg(
            picture, rst_interval=interval, sampling_factor=sampling, progressive=progressive
        )
        assert picture_file(data).decode().shape == picture.shape


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_takes_memory():
    huge = bytearray(JPEGS['colour'])
    frame = huge.index(b'\xff\xc0')
    huge[frame + 5 : frame + 9] = (30_000).to_bytes(2, 'big') * 2
    png = bytearray(PNGS['colour'])
    png[16:24] = (30_000).to_bytes(4, 'big') * 2
    for data, kind in ((huge, 'jpeg'), (png, 'png')):
        with pytest.raises(BadMessage, match='up to 80 million pixels, got .* 30000x30000'):
            CameraReader(COMPRESSED_IMAGE).read(message(bytes(data), kind))


@pytest.mark.parametrize('data', JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize(
    'ended',
    [
        lambda data: data,
        lambda data: data + bytes(999),  # a buffer of fixed size
        lambda data: data + b'made by a camera' + EOI,
        lambda data: data + data,  # a second picture, as stereo cameras send
        lambda data: data[:-2] + bytes([0xFF] * 9) + EOI,
        # A thumbnail, which ends as the picture does.
        lambda data: data[:2] + b'\xff\xe1' + (len(data) // 2 + 2).to_bytes(2, 'big')
        + data[: len(data) // 2 - 2] + EOI + data[2:],
    ],
    ids=['as it is', 'padded', 'signed', 'twice', 'filled', 'thumbnail'],
)  # fmt: skip
def test_what_a_camera_adds_to_a_whole_jpeg_is_no_damage(data, ended):
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    _, decode = CameraReader(COMPRESSED_IMAGE).read(message(ended(data)))

    np.testing.assert_array_equal(decode(), expected)


def test_a_webcam_leaves_out_the_usual_tables_and_is_read():
    data = JPEGS['colour']
    tables = b''
    while (start := data.find(b'\xff\xc4')) >= 0:
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], 'big')
        tables, data = tables + data[start:end], data[:start] + data[end:]
    assert len(tables) > 400

    np.testing.assert_array_equal(
        picture_file(data).decode(), picture_file(JPEGS['colour']).decode()
    )


@pytest.mark.parametrize('value', [0, 3, 128, 255])
@pytest.mark.parametrize('options', [{}, {'progressive': 1}, {'rst_interval': 10}])
def test_a_night_without_light_and_a_white_wall_are_whole_pictures(value, options):
    picture = np.full((240, 320, 3), value, np.uint8)
    picture[:100] = SCENE[:100]  # and a picture that ends in one colour is too

    data = jpeg(picture, **options)

    assert picture_file(data).decode()[-1].tolist() == [[value] * 3] * 320


@pytest.mark.parametrize('data', PNGS.values(), ids=PNGS)
def test_a_png_that_was_cut_anywhere_is_refused_before_it_is_decoded(data):
    camera = CameraReader(COMPRESSED_IMAGE)
    for place in (*range(8, 70), *range(70, len(data), 9001), len(data) - 1):
        with pytest.raises(BadMessage, match=f'expected a whole PNG, got {place} bytes without'):
            camera.read(message(data[:place], 'png'))
    for appended in (b'', bytes(999)):
        picture = camera.read(message(data + appended, 'png'))[1]()
        np.testing.assert_array_equal(picture[..., 1], SCENE[..., 1])


def test_a_png_that_a_driver_cut_and_ended_is_refused():
    data = PNGS['colour']
    end = zlib.crc32(b'IEND').to_bytes(4, 'big')
    for place in range(70, len(data) - 100, 9001):
        ended = data[:place] + b'\x00\x00\x00\x00IEND' + end
        with pytest.raises(PictureFileError):
            picture_file(ended).decode()


def test_a_photograph_that_was_half_copied_is_skipped_and_why_is_said(tmp_path, old_decoder):
    (tmp_path / 'a.jpg').write_bytes(JPEGS['colour'])
    (tmp_path / 'b.jpg').write_bytes(JPEGS['colour'][:5000])
    cv2.imwrite(str(tmp_path / 'c.bmp'), SCENE)
    skipped = {}
    photos = PhotoSource(
        tmp_path, seed=0, width_px=64, height_px=48, on_skip=lambda *why: skipped.update([why])
    )
    try:
        for t_s in range(12):
            assert photos.camera(t_s).std() > 10.0
    finally:
        photos.close()
    assert list(skipped) == [tmp_path / 'b.jpg']
    assert 'got 5000 bytes without its end' in skipped[tmp_path / 'b.jpg']
