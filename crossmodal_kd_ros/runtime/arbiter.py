# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which sensors are believed, and who decides with them: the teacher, the student, or nobody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from crossmodal_kd_ros.calibration.consistency import Contradiction, Places, ResidualMonitor
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, say
from crossmodal_kd_ros.health.sensor import Health
from crossmodal_kd_ros.health.trust import RARE_S, Trust
from crossmodal_kd_ros.health.verdict import Verdict
from crossmodal_kd_ros.profile import CAMERA, Mode, Profile
from crossmodal_kd_ros.runtime.sample import Perception

# One strange picture changes nothing.
_PATIENCE = 3


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decides now, and why.

    Attributes:
        mode: one of `Mode`.
        reasons: why, with the figures behind it.
        lost: the sensors that are the cause, in the order of the profile.
        usable: the sensors whose newest reading counts, in the same order.
        epoch: how often the clock was set back, and everything forgotten, before.
        number: of this decision, from 0.
    """

    mode: Mode
    reasons: tuple[Reason, ...]
    lost: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    epoch: int = 0
    number: int = 0

    @property
    def reason(self) -> str:
        """The reasons in words."""
        return say(*self.reasons)


class ModeArbiter:
    """Turns the health of each sensor into a mode, slowly upwards and at once downwards.

    `Trust` says when a sensor counts. Where no picture arrives there is nothing to answer: the
    mode is `HOLD`. Pictures that arrive while the camera is not trusted are answered by whoever
    was measured to decide well without it; as nobody looks at them, these may come seldom.

    Attributes:
        recovery_s: how long a sensor that failed must be good before it counts again, s.
        epoch: how often everything was forgotten.
    """

    def __init__(
        self,
        sensors: Sequence[str],
        choose: Callable[[tuple[str, ...]], Mode],
        *,
        recovery_s: float = 0.5,
    ) -> None:
        """Start with no health known.

        Args:
            sensors: the camera, then the senses.
            choose: says who decides best with a set of sensors, `HOLD` if nobody does well.
            recovery_s: see above.
        """
        self.recovery_s = recovery_s
        self._sensors, self._choose = tuple(sensors), choose
        self._number = 0
        self.epoch = -1
        self.reset()

    def reset(self) -> None:
        """Forget every failure, as after a jump of the clock, and begin a new epoch."""
        self._trust = {
            sensor: Trust(sensor, is_used_once=sensor == CAMERA) for sensor in self._sensors
        }
        self._is_absent, self._arrived_ns = True, 0
        self.epoch += 1

    def decide(
        self,
        healths: Mapping[str, Health],
        now_ns: int,
        need_picture: Mapping[str, Reason] | None = None,
    ) -> Decision:
        """Return who decides.

        Args:
            healths: of each sensor.
            now_ns: the time, nanoseconds.
            need_picture: why a sense cannot be used unless the camera counts, by sense.
        """
        self._await_pictures(healths[CAMERA].arriving, now_ns)
        lost = {}
        for sensor, trust in self._trust.items():
            health = healths[sensor]
            # The camera stands first: whether it counts is known here.
            if CAMERA in lost and health.healthy and sensor in (need_picture or {}):
                health = replace(health, healthy=False, reasons=(need_picture[sensor],))
            reasons = trust.update(health, now_ns, self.recovery_s)
            if reasons:
                lost[sensor] = reasons
        usable = tuple(sensor for sensor in self._sensors if sensor not in lost)
        senses = tuple(sensor for sensor in self._sensors if sensor != CAMERA)
        mode = self._choose(usable)
        if CAMERA in lost and (self._is_absent or self._choose(senses) is Mode.HOLD):
            # That alone is the cause, whatever else is lost.
            mode, lost = Mode.HOLD, {CAMERA: lost[CAMERA]}
            reasons = lost[CAMERA]
        else:
            late = [healths[sensor].reasons for sensor in usable]
            reasons = tuple(chain.from_iterable((*lost.values(), *late)))
        self._number += 1
        return Decision(
            mode=mode,
            reasons=reasons or (Reason(ReasonCode.ALL_HEALTHY, sensors=self._sensors),),
            lost=tuple(lost),
            usable=usable,
            epoch=self.epoch,
            number=self._number,
        )

    def _await_pictures(self, arriving: bool, now_ns: int) -> None:
        """Note whether there is anything to answer, before the camera is judged."""
        if arriving:
            self._is_absent, self._arrived_ns = False, now_ns
        elif self._trust[CAMERA].counts or now_ns - self._arrived_ns > RARE_S * 1e9:
            self._is_absent = True


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one sense says at the moment of a picture.

    Attributes:
        reading: `float32[size]` of when the picture was taken; `None` if there is none.
        read_ns: when it was read, nanoseconds.
        verdict: on the content of that reading.
        is_fresh: its newest reading is neither stale nor wrong by itself.
        needs_picture: some of its newest reading is read from the picture.
        in_transit: `bool[size]`, which elements still read some of the place before, and are
            corrected by what the picture shows; `None`: none.
        is_lag_known: it reads what is here, or pictures have shown by how much it does not yet.
    """

    reading: np.ndarray | None
    read_ns: int
    verdict: Verdict
    is_fresh: bool
    needs_picture: bool = False
    in_transit: np.ndarray | None = None
    is_lag_known: bool = True


class CrossCheck:
    """Compares senses with the picture, also while they are not trusted.

    A sense that contradicts the picture is accused. An unusual or damaged picture accuses nobody;
    where the senses can do without an unfamiliar or damaged one, the camera itself is accused. So
    it is where all senses, two or more, contradict it, for they have nothing else in common.
    """

    def __init__(self, profile: Profile, calibration: Calibration | None) -> None:
        """Start with no picture; without a calibration no sense is accused."""
        residuals = {} if calibration is None else calibration.residuals
        self._senses = tuple(profile.senses)
        self._ood = None if calibration is None else calibration.out_of_distribution
        self._places = Places(0.0 if self._ood is None else self._ood.same_place)
        self._monitors = {
            name: ResidualMonitor(profile.senses[name], model, profile.camera.period_s)
            for name, model in residuals.items()
        }
        self._reset(epoch=0)

    def update(
        self,
        epoch: int,
        stamp_ns: int,
        perception: Perception,
        *,
        ood_score: float,
        is_usual: bool,
        picture: Verdict,
        evidence: Mapping[str, Evidence],
        usable: Sequence[str],
    ) -> dict[str, Reason]:
        """Return why the newest picture, and those before it, accuse sensors, by sensor.

        Args:
            epoch: everything before it is forgotten.
            stamp_ns: of the picture.
            perception: what the student sees in it, of one view.
            ood_score, is_usual: how far it is from the training's pictures.
            picture: verdict on its content.
            evidence: by sense.
            usable: the sensors that count; the camera is not accused unless all senses do.
        """
        if epoch != self._epoch:
            self._reset(epoch)
        self._unfamiliar_in_a_row = self._unfamiliar_in_a_row + 1 if ood_score > 1.0 else 0
        if is_usual and not picture.is_damaged:
            self._compare(stamp_ns, perception, evidence)
        reasons = dict(self._contradictions)
        is_enough = all(
            sense in usable and one.is_fresh and not one.needs_picture and sense not in reasons
            for sense, one in evidence.items()
        )
        against_camera = self._against_camera(picture, ood_score)
        if against_camera is not None and is_enough:
            reasons[CAMERA] = against_camera
        return reasons

    def _reset(self, epoch: int) -> None:
        self._epoch = epoch
        for monitor in self._monitors.values():
            monitor.reset()
        self._places.reset()
        self._unfamiliar_in_a_row = 0
        # By sense, of when it was last compared with a picture.
        self._contradictions: dict[str, Reason] = {}
        self._outvoted: Reason | None = None

    def _compare(
        self, stamp_ns: int, perception: Perception, evidence: Mapping[str, Evidence]
    ) -> None:
        place = self._places.find(self._ood.whiten(perception.features))
        verdicts = {
            sense: self._monitor(sense, stamp_ns, one, perception.readings[sense], place)
            for sense, one in evidence.items()
            if one.reading is not None and one.is_fresh
        }
        is_outvoted = len(verdicts) == len(self._senses) >= 2 and all(verdicts.values())
        self._outvoted = Reason(ReasonCode.OUTVOTED, sensors=self._senses) if is_outvoted else None
        for sense, verdict in verdicts.items():
            self._contradictions.pop(sense, None)
            if verdict is not None and not is_outvoted:
                self._contradictions[sense] = _reason(sense, verdict)

    def _monitor(
        self, sense: str, stamp_ns: int, evidence: Evidence, predicted: np.ndarray, place: int
    ) -> Contradiction | None:
        monitor, measured = self._monitors.get(sense), evidence.reading
        if monitor is None:
            return None
        std = evidence.verdict.channel_std
        if std is not None:  # an unreliable channel accuses no further
            measured = monitor.model.weigh(measured, predicted, std)
        return monitor.take(stamp_ns, measured, predicted, place)

    def _against_camera(self, picture: Verdict, ood_score: float) -> Reason | None:
        if picture.flaw is not None:
            return picture.flaw
        if self._unfamiliar_in_a_row >= _PATIENCE:
            return Reason(ReasonCode.UNFAMILIAR, value=ood_score)
        return self._outvoted


def _reason(sense: str, verdict: Contradiction) -> Reason:
    return Reason(
        ReasonCode.CONTRADICTION
        if verdict.together is None
        else ReasonCode.CONTRADICTION_TOGETHER,
        sensor=sense,
        part=verdict.feature,
        value=verdict.deviation,
        high=verdict.together or 0.0,
        limit=verdict.limit,
        window_s=verdict.window_s,
    )
