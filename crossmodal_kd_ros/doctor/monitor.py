# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one input topic brings while somebody listens to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rclpy.subscription import Subscription

from crossmodal_kd_ros.profile import Profile
from crossmodal_kd_ros.runtime.messages import BadMessage, stamp_ns
from crossmodal_kd_ros.runtime.topics import Topic

# Reads a message that arrived at a time (ns); raises `BadMessage`.
Read = Callable[[Any, int], Any]


@dataclass(kw_only=True)
class TopicMonitor:
    """What one topic of a sensor brings.

    Attributes:
        profile: what the robot has. `sensor`: its camera, or one of its senses.
        topic: as the node subscribes to it. `name`: its whole name.
        read: reads a message.
        timeout_s: age at which a reading is stale, s.
        type_remedies: by another message type, the line that takes it.
        twin: the topic of the same pictures in their other type; `None` for a sense.
        listened_s: for how long.
        clock_rate: how many seconds of the node's clock went by in one of these.
        subscription: of the topic.
        received_s: when each message arrived, by the monotonic clock.
        ages_s: how old its stamp was then; empty for a type without a header.
        system_ages_s: the same by the system's clock.
        errors: why a message was refused.
        size: what the last picture is, in words.
    """

    profile: Profile
    sensor: str
    topic: Topic
    name: str
    read: Read
    timeout_s: float
    type_remedies: dict[str, str]
    twin: Topic | None = None
    listened_s: float = 0.0
    clock_rate: float = 1.0
    subscription: Subscription | None = None
    received_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    system_ages_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    size: str = ''

    @property
    def period_s(self) -> float:
        """Mean time between messages, s; of a single one, half of the time listened.

        By the node's clock.
        """
        period_s = self.listened_s / 2.0
        if len(self.received_s) > 1:
            period_s = (self.received_s[-1] - self.received_s[0]) / (len(self.received_s) - 1)
        return period_s * self.clock_rate

    def keep(self, message: Any, now_ns: int) -> None:
        """Write down when a message arrived, and what is wrong with it."""
        self.received_s.append(time.monotonic())
        try:
            if hasattr(message, 'header'):
                stamped_ns = stamp_ns(message, now_ns)
                self.ages_s.append((now_ns - stamped_ns) / 1e9)
                self.system_ages_s.append((time.time_ns() - stamped_ns) / 1e9)
            self.read(message, now_ns)
            if hasattr(message, 'encoding'):
                self.size = f'{message.width}x{message.height} {message.encoding}'
        except BadMessage as error:
            self.errors.append(str(error))
