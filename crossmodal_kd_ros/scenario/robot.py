# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A robot on a living facade: it goes from place to place, senses there, and acts. No ROS.

It does what `docs/mission.md` asks of a robot, by whatever clock it is given: seconds since the
first picture. What happens is told as *events*, plain data that can be written as JSON; scores,
pages and screens are made of them alone.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from crossmodal_kd_ros.profile import CAMERA
from crossmodal_kd_ros.scenario.needs import needs_of
from crossmodal_kd_ros.scenario.setting import (
    PASTED,
    REPAIRS,
    SET_HOURS,
    Setting,
    Stop,
    striking_place,
)
from crossmodal_kd_ros.simulation import Delivery, Injector
from crossmodal_kd_ros.simulation.camera import draw_shot
from crossmodal_kd_ros.simulation.constants import MATERIALS
from crossmodal_kd_ros.simulation.expert import CRACK_LIMITS_MM, TrueState, decide
from crossmodal_kd_ros.simulation.gas import HOOD
from crossmodal_kd_ros.simulation.living import Contact, right_contact
from crossmodal_kd_ros.simulation.panel import PANEL_MM, PROFILE
from crossmodal_kd_ros.simulation.scene import VIEW_MM, PanelScene, RenderedPanel, add_noise

Event = dict[str, Any]

# The tip is lifted, brought to the next place and set down; then the hood needs its time: after
# 2.5 s it shows 93 % of what is under it.
MOVE_S, SETTLE_S = 0.5, 2.5
# An act, which takes the facade an hour: the tool is cleaned, water soaks in, paste sets.
ACT_S, ACT_HOURS = 2.0, 1.0
# After a request a person has looked; a robot that stands in a hold is then sent on.
PERSON_S = 3.0
_DRAWN_PX_PER_MM = 3.0
# Steps in which the facade lives between two rounds.
_STEP_HOURS = 6.0
_EVEN_HOURS = 1e-6
_PICTURE_SHAPE = 4 / 3
# Parts of a `Contact`, and what a command calls them.
_CONTACT = {
    'pressure_kpa': 'contact_pressure_kpa',
    'pitch_deg': 'approach_pitch_deg',
    'yaw_deg': 'approach_yaw_deg',
}
_SEEDS = {CAMERA: 1, 'touch': 2, 'gas': 3}
# What a calendar has done everywhere.
_SERVICE = (*REPAIRS, 'hydrate')
# The robot's own draws, apart from those of panels.
_SEED_SPACE = 171


def picture_name(when: str, panel: int) -> str:
    """Return the name of the picture of a panel `before` or `after`."""
    return f'{when}_{panel:02d}.jpg'


class _Place:
    """One place on one panel as it is now: what can be seen and felt there."""

    def __init__(
        self, scene: PanelScene, centre_mm: tuple[float, float], view: Future, number: int
    ) -> None:
        self.scene, self.centre_mm, self._view, self.number = scene, centre_mm, view, number
        self.state = scene.true_state(centre_mm)
        self.readings = {sense: scene.read(sense, centre_mm) for sense in PROFILE.senses}

    @property
    def view(self) -> RenderedPanel:
        return self._view.result()


class Robot:
    """The facade and the robot on it. Any thread may call it.

    Attributes:
        events: what happened, in order.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        height_px: int,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        """Stand in front of the first place, in the first picture.

        Args:
            setting: what is played.
            height_px: of the pictures, which show 64 mm of the wall.
            on_event: is told each event.
        """
        self._setting, self._on_event = setting, on_event
        self._size = round(height_px * _PICTURE_SHAPE), height_px
        self._facade = setting.facade()
        self._route = setting.route()
        self._lock = threading.RLock()
        self._renderer = ThreadPoolExecutor(1, thread_name_prefix='panel_renderer')
        self._injectors = {
            sensor: Injector(sensor, setting.schedule, seed=setting.seed)
            for sensor in PROFILE.sensors
        }
        self.events: list[Event] = []
        # How many parts of the way it has come, and for how long the facade has lived.
        self._come, self._lived_s = 0, 0.0
        # What is looked at again when the round is over, by panel.
        self._again: dict[int, Stop] = {}
        self._happened = 0
        self._shown: np.ndarray | None = None
        self._goal: dict[str, Any] | None = None
        self._goal_s = 0.0
        self._next: _Place | None = None
        self._acted = False
        self._person_s = math.inf
        self._heard_requests = 0
        self._is_over = False
        here = self._look(self._route[0], 0)
        # Where the tip was, where it is, and since when: read by the sensors without the lock.
        self._tip = here, here, -math.inf
        here.view  # noqa: B018  rendered before the first picture is due
        self._tell(0.0, 'begin', **setting.data())
        self._tell_facade(0.0)

    @property
    def is_over(self) -> bool:
        """Whether there is no next place."""
        return self._is_over

    @property
    def state(self) -> TrueState:
        """The truth at the tip."""
        return self._here.state

    @property
    def readings(self) -> Mapping[str, np.ndarray]:
        """The noise-free readings at the tip."""
        return self._here.readings

    def deliver(
        self, sensor: str, t_s: float, stamp_ns: int, *, is_read: bool = True
    ) -> list[Delivery]:
        """Return what arrives of what a sensor reads at `t_s`: nothing, or what faults leave.

        Args:
            sensor: of the profile.
            t_s: seconds since the first picture.
            stamp_ns: of the reading.
            is_read: whether anybody looks at a picture; if not, it is the last one.
        """
        if sensor not in self._setting.sensors:
            return []
        if sensor != CAMERA:
            value = self._reading(sensor, t_s)
        else:
            if is_read or self._shown is None:
                self._shown = self._picture(t_s)
            value = self._shown
        return self._injectors[sensor].deliver(t_s, stamp_ns, value)

    def hear(self, command: Mapping[str, Any], t_s: float) -> None:
        """Take a command of the mission; a new one takes the place of the one under way."""
        with self._lock:
            if self._acted:  # what was done is done, whether the act came to its end or not
                self._arrive(t_s)
            self._goal = None if command['do'] == 'stop' else dict(command)
            self._goal_s, self._acted, self._next = t_s, False, None
            if command['do'] != 'next':
                return
            self._live(t_s)
            if self._is_round_over:
                self._add_second_looks()
            if self._come < len(self._route):
                stop = self._route[self._come]
                self._live_until(stop.hours, t_s)
                self._next = self._look(stop, self._come)

    def hear_requests(self, lines: Sequence[str], t_s: float) -> None:
        """Take every request for a person so far."""
        with self._lock:
            for text in lines[self._heard_requests :]:
                self._tell(t_s, 'ask', text=text.partition(': ')[2])
                self._live(t_s)
                self._facade.act(self._stop.panel, 'request_human', None, self._here.centre_mm)
                self._again.pop(self._stop.panel, None)  # that person looks
                self._person_s = t_s + PERSON_S
            self._heard_requests = len(lines)

    def step(self, t_s: float) -> list[dict[str, Any]]:
        """Do what is due; return what is to be said on `robot/status`."""
        with self._lock:
            goal, since_s = self._goal, t_s - self._goal_s
            if goal is None:
                return []
            state = self._go(t_s, since_s) if goal['do'] == 'next' else self._act(t_s, since_s)
            if not state:
                return []
            self._goal, self._person_s = None, math.inf
            status = {'goal': goal['goal'], 'state': state}
            return [status | {'visit': str(self._stop.visit)} if state == 'done' else status]

    def person_has_looked(self, t_s: float) -> bool:
        """Return, once, that whoever was asked has looked while the robot stood still."""
        with self._lock:
            if t_s < self._person_s or self._goal is not None:
                return False
            self._person_s = math.inf
            return True

    def service(self, hours: float) -> None:
        """Do everything everywhere at an hour, with the right contact, as a calendar asks."""
        with self._lock:
            self._live_until(hours, 0.0)
            for index, living in enumerate(self._facade.panels):
                place_mm = striking_place(living.panel)
                is_mineral = MATERIALS[living.panel.material_name].is_mineral
                for action in _SERVICE:
                    if action == 'seal_crack' and not is_mineral:
                        continue  # a tear is glued
                    contact = right_contact(living.panel, action) if action in REPAIRS else None
                    scene = PanelScene(living.panel)
                    self._do(0.0, index, action, contact, scene, place_mm)
            self._tell_facade(0.0)

    def let_live(self, t_s: float) -> None:
        """Let the facade live until the scenario ends."""
        with self._lock:
            self._live(t_s)
            self._live_until(self._setting.scenario.hours, t_s)
            self._tell_facade(t_s)

    def end(self, t_s: float) -> None:
        """Tell that this is all."""
        with self._lock:
            self._tell(t_s, 'end')

    def note_mode(self, t_s: float, mode: str, reason: str) -> None:
        """Keep a change of mode among the events."""
        with self._lock:
            self._tell(t_s, 'mode', mode=mode, reason=reason)

    def draw(self, folder: Path, when: str) -> None:
        """Write a picture of each panel by daylight: `before_00.jpg`, ..."""
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            panels = [living.panel for living in self._facade.panels]
        for index, panel in enumerate(panels):
            view = RenderedPanel(panel, px_per_mm=_DRAWN_PX_PER_MM, lighting='day')
            width_px, height_px = (round(mm * _DRAWN_PX_PER_MM) for mm in PANEL_MM)
            shot = draw_shot(np.random.default_rng(index))
            picture = view.picture(
                (PANEL_MM[0] / 2, PANEL_MM[1] / 2), shot, width_px=width_px, height_px=height_px
            )
            path = folder / picture_name(when, index)
            cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """End the rendering thread."""
        self._renderer.shutdown(cancel_futures=True)

    @property
    def _here(self) -> _Place:
        return self._tip[1]

    @property
    def _stop(self) -> Stop:
        return self._route[max(self._come, 1) - 1]

    @property
    def _is_round_over(self) -> bool:
        rest = self._route[self._come :]
        return not rest or rest[0].hours > self._stop.hours

    def _add_second_looks(self) -> None:
        """Go next to what was pasted, once that has set; a failed repair has come off by then."""
        hours = self._facade.hours + SET_HOURS
        self._route[self._come : self._come] = [
            replace(stop, hours=hours) for stop in self._again.values()
        ]
        self._again.clear()

    def _go(self, t_s: float, since_s: float) -> str:
        if self._next is None:
            if self._come < len(self._route):
                return 'failed'
            self._is_over = True
            return 'end'
        if since_s >= MOVE_S and self._here is not self._next:
            self._arrive(t_s)
        if since_s < MOVE_S + SETTLE_S:
            return ''
        self._come += 1
        self._tell_arrival(t_s)
        return 'done'

    def _arrive(self, t_s: float) -> None:
        self._tip = self._here, self._next, t_s
        self._acted = False

    def _act(self, t_s: float, since_s: float) -> str:
        goal, stop, here = self._goal, self._stop, self._here
        if since_s >= ACT_S / 2 and not self._acted:
            self._acted = True
            self._live(t_s)
            contact = None
            if _CONTACT['pressure_kpa'] in goal:
                contact = Contact(**{part: goal[name] for part, name in _CONTACT.items()})
            self._do(t_s, stop.panel, goal['action'], contact, here.scene, here.centre_mm)
            self._facade.advance(ACT_HOURS)
            stop = replace(stop, place_mm=here.centre_mm)
            if goal['action'] in PASTED:
                self._again[stop.panel] = stop
            self._next = self._look(stop, here.number)
        if since_s < ACT_S:
            return ''
        self._arrive(t_s)
        self._tell_facade(t_s)
        return 'done'

    def _do(
        self,
        t_s: float,
        panel: int,
        action: str,
        contact: Contact | None,
        scene: PanelScene,
        place_mm: tuple[float, float],
    ) -> None:
        outcome = self._facade.act(panel, action, contact, place_mm)
        self._tell(
            t_s,
            'act',
            panel=panel,
            action=action,
            contact=None if contact is None else vars(contact),
            right=None if outcome.right is None else vars(outcome.right),
            needs=needs_of(scene.true_state(place_mm)),
            outcome=outcome.kind,
            words=outcome.words,
        )

    def _live_until(self, hours: float, t_s: float) -> None:
        """Let the facade live until an hour, if that is still to come."""
        # The facade counts whole microseconds: it may stay short of an hour by half of one.
        while (left := hours - self._facade.hours) > _EVEN_HOURS:
            self._facade.advance(min(_STEP_HOURS, left))
            self._tell_facade(t_s)

    def _live(self, t_s: float) -> None:
        """Let the facade live until now."""
        hours = (t_s - self._lived_s) * self._setting.scenario.hours_per_s
        self._lived_s = t_s
        self._facade.advance(hours)

    def _look(self, stop: Stop, number: int) -> _Place:
        """Return a place of the way as it is now."""
        panel = self._facade.panels[stop.panel].panel
        place_mm = stop.place_mm or striking_place(panel)
        px_per_mm = self._size[1] / VIEW_MM
        view = self._renderer.submit(RenderedPanel, panel, px_per_mm=px_per_mm)
        return _Place(PanelScene(panel), place_mm, view, number)

    def _picture(self, t_s: float) -> np.ndarray:
        here = self._here
        rng = np.random.default_rng((_SEED_SPACE, self._setting.seed, 0, here.number))
        shot = replace(draw_shot(rng), seed=self._draw(CAMERA, t_s))
        width_px, height_px = self._size
        return here.view.picture(here.centre_mm, shot, width_px=width_px, height_px=height_px)

    def _reading(self, sense: str, t_s: float) -> np.ndarray:
        before, here, came_s = self._tip
        reading = here.readings[sense]
        if sense == 'gas':
            share = HOOD.response(t_s - came_s) if math.isfinite(came_s) else 1.0
            reading = before.readings[sense] + share * (reading - before.readings[sense])
        rng = np.random.default_rng(self._draw(sense, t_s))
        return add_noise(sense, reading.astype(np.float32), rng)

    def _draw(self, sensor: str, t_s: float) -> int:
        key = (_SEED_SPACE, self._setting.seed, _SEEDS[sensor], max(round(t_s * 1e3), 0))
        return int(np.random.default_rng(key).integers(2**31))

    def _tell_arrival(self, t_s: float) -> None:
        state = self._here.state
        action, reason = decide(state)
        self._tell(
            t_s,
            # A second look has a place of its own; a first one goes where most is to be seen.
            'arrive' if self._stop.place_mm is None else 'look_again',
            place_mm=list(self._here.centre_mm),
            action=action,
            reason=reason,
            needs=needs_of(state),
            material=state.material,
            crack_width_mm=state.crack_width_mm,
            crack_limit_mm=CRACK_LIMITS_MM[state.exposure],
        )
        self._tell_facade(t_s)

    def _tell_facade(self, t_s: float) -> None:
        for event in self._facade.events[self._happened :]:
            self._tell(
                t_s,
                'happened',
                panel=event.panel,
                at_hours=round(event.hours, 3),
                what=event.kind,
                words=event.words,
            )
        self._happened = len(self._facade.events)
        self._tell(
            t_s,
            'facade',
            health=self._facade.health().round(4).tolist(),
            uptake=self._facade.uptake().round(4).tolist(),
        )

    def _tell(self, t_s: float, kind: str, **what: Any) -> None:
        event = {
            'kind': kind,
            't_s': round(t_s, 3),
            'hours': round(self._facade.hours, 4),
            'visit': self._stop.visit if self._come else 0,
            'panel': self._stop.panel,
            **what,
        }
        self.events.append(event)
        self._on_event(event)
