# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A replay's answers as a bag, on the topics and with the headers of the node."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from crossmodal_kd_ros.bags.recorder import mark, qos_of
from crossmodal_kd_ros.profile import HOLD, Mode, Profile, Sense
from crossmodal_kd_ros.repair import RepairCommand, RepairPlanner
from crossmodal_kd_ros.runtime import Answer, ModeChange, topics
from crossmodal_kd_ros.runtime.messages import grid_image_fields

_STORE = get_typestore(Stores.LATEST)
MADE_BY = 'replay'


class OutputBag:
    """Writes answers. It depends on them alone: two replays of one bag give equal bytes."""

    def __init__(self, path: Path, profile: Profile, planner: RepairPlanner | None) -> None:
        """Create an MCAP bag at `path`; `planner` makes the commands of repairs, if any."""
        self._planner = planner
        self._profile, self._estimates = profile, topics.estimates(profile)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        mark(self._writer, MADE_BY)
        self._writer.open()
        self._links = {
            topic: self._writer.add_connection(
                f'/{topic.name.lstrip("/")}',
                topic.type,
                typestore=_STORE,
                offered_qos_profiles=[qos_of(topic.qos)],
            )
            # A replay has no diagnostics: they tell of the machine.
            for topic in topics.outputs(profile)
            if topic is not topics.DIAGNOSTICS
        }
        self._mode: Mode | None = None

    def answer(self, now_ns: int, header: Any, answer: Answer) -> None:
        """Write one answer, in the order of the node; `header` is that of the picture."""
        estimate, actions = answer.estimate, self._profile.actions
        scores = _named(header, actions, estimate.probabilities, estimate.efforts(actions))
        self._write(topics.ACTION_SCORES, now_ns, scores)
        self._write(topics.ACTION, now_ns, _text(estimate.action))
        for sense, topic in self._estimates.items():
            message = _reading(header, self._profile.senses[sense], estimate.readings[sense])
            self._write(topic, now_ns, message)
        quantities = estimate.named_quantities()
        message = _named(header, tuple(quantities), np.array(list(quantities.values())))
        self._write(topics.SURFACE_STATE, now_ns, message)
        command = None if self._planner is None else self._planner.plan(answer)
        if command is not None:
            self._write(topics.REPAIR_PATH, now_ns, _path(header, self._profile, command))
            self._write(topics.REPAIR_REASON, now_ns, _text(command.reason))
            values = command.named_values(self._profile)
            message = _named(header, tuple(values), np.array(list(values.values())))
            self._write(topics.REPAIR_COMMAND, now_ns, message)

    def hold(self, now_ns: int) -> None:
        """Write that the robot holds, without a picture."""
        self._write(topics.ACTION, now_ns, _text(HOLD))

    def mode(self, change: ModeChange) -> None:
        """Write a change of mode or of its reason."""
        self._write(topics.MODE_REASON, change.now_ns, _text(f'{change.mode}: {change.reason}'))
        if change.mode is not self._mode:
            self._mode = change.mode
            self._write(topics.MODE, change.now_ns, _text(str(change.mode)))
        if change.mode is Mode.HOLD:
            self.hold(change.now_ns)

    def close(self) -> None:
        """Write the index and `metadata.yaml`."""
        self._writer.close()

    def _write(self, topic: topics.Topic, now_ns: int, message: Any) -> None:
        self._writer.write(self._links[topic], now_ns, _STORE.serialize_cdr(message, topic.type))


def _text(words: str) -> Any:
    return _STORE.types[topics.STRING](words)


def _named(
    header: Any, names: Sequence[str], values: np.ndarray, efforts: Sequence[float] = ()
) -> Any:
    return _STORE.types[topics.JOINT_STATE](
        header,
        list(names),
        np.asarray(values, np.float64),
        np.zeros(0),
        np.asarray(efforts, np.float64),
    )


def _path(header: Any, profile: Profile, command: RepairCommand) -> Any:
    point, quaternion, pose = (
        _STORE.types[f'geometry_msgs/msg/{name}'] for name in ('Point', 'Quaternion', 'Pose')
    )
    places, turned = command.poses(profile.camera.view_mm)
    poses = [pose(point(*place), quaternion(*turned)) for place in places.tolist()]
    return _STORE.types[topics.POSE_ARRAY](header, poses)


def _reading(header: Any, sense: Sense, reading: np.ndarray) -> Any:
    if sense.layout == 'channels':
        return _named(header, sense.channel_names, reading)
    fields = grid_image_fields(sense, reading)
    fields['data'] = np.frombuffer(fields['data'], np.uint8)
    return _STORE.types[topics.IMAGE](header=header, **fields)
