# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contact pressure, angles of approach and path of a repair, from one answer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.consistency import feature_names
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.profile import Channel, Profile
from crossmodal_kd_ros.repair import surface
from crossmodal_kd_ros.repair.config import (
    FILE_NAME,
    Repair,
    RepairConfig,
    RepairError,
    load_repairs,
)
from crossmodal_kd_ros.repair.ground import Felt, GroundModel
from crossmodal_kd_ros.runtime import Answer

# Parts of the pins, and where these lie in a normal distribution, standard deviations.
_LEAST_TENTH, _LEAST_TENTH_STD = 0.1, -1.2816
_UPPER_QUARTER, _UPPER_QUARTER_STD = 0.75, 0.6745


@dataclass(frozen=True, kw_only=True)
class RepairCommand:
    """How a repair is done.

    Attributes:
        action: the repair.
        contact_pressure_kpa: mean pressure under the tool, kPa; 0 where a person is asked.
        approach_pitch_deg, approach_yaw_deg: see `surface.Ground.approach_deg`.
        path_mm: `float64[N, 2]`, x and y in the view, mm; empty where a person is asked.
        depth_mm: `float64[N]`, how much further away the ground is there than at the middle of
            the view.
        request_human: whether nothing may be done before a person has looked.
        reasons: in words.
    """

    action: str
    contact_pressure_kpa: float
    approach_pitch_deg: float
    approach_yaw_deg: float
    path_mm: np.ndarray
    depth_mm: np.ndarray
    request_human: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The reasons as one text: who is asked, or how hard it presses."""
        told = (
            'a person has to look'
            if self.request_human
            else f'{self.contact_pressure_kpa:.1f} kPa'
        )
        return f'{self.action}: {told}: {"; ".join(self.reasons)}'

    def named_values(self, profile: Profile) -> dict[str, float]:
        """Return the numbers by name; `action` is the place among the profile's actions."""
        return {
            'action': float(profile.actions.index(self.action)),
            'contact_pressure_kpa': self.contact_pressure_kpa,
            'approach_pitch_deg': self.approach_pitch_deg,
            'approach_yaw_deg': self.approach_yaw_deg,
            'request_human': float(self.request_human),
        }

    def poses(self, view_mm: float) -> tuple[np.ndarray, tuple[float, float, float, float]]:
        """Return the path in the camera's optical frame, but for the distance of the wall.

        Args:
            view_mm: side of the view.

        Returns:
            `float64[N, 3]`, metres from where the optical axis meets the wall, and the quaternion
            (x, y, z, w) that turns z into the approach, the same all along.
        """
        beside_m = (self.path_mm - view_mm / 2) / 1e3
        pitch, yaw = np.radians([self.approach_pitch_deg, self.approach_yaw_deg]) / 2
        turned = (
            float(np.cos(yaw) * np.sin(pitch)),
            float(np.sin(yaw) * np.cos(pitch)),
            float(-np.sin(yaw) * np.sin(pitch)),
            float(np.cos(yaw) * np.cos(pitch)),
        )
        return np.column_stack([beside_m, self.depth_mm / 1e3]), turned


class RepairPlanner:
    """Plans repairs of one robot. It keeps nothing from answer to answer."""

    def __init__(
        self, profile: Profile, config: RepairConfig, calibration: Calibration | None
    ) -> None:
        """Take what is known of robot, wall and student.

        Args:
            profile: of the robot.
            config: of this profile.
            calibration: says how far the student's estimates are off; `None`: nobody knows, and a
                repair by an estimate asks for a person.
        """
        self._profile, self._config, self._calibration = profile, config, calibration
        self._sense = profile.senses[config.sense]
        shape = self._sense.shape[1:]
        self._x_mm, self._y_mm = surface.cell_centres(self._sense.footprint_mm, shape)
        self._model = GroundModel(config, pins=shape[0] * shape[1])
        channels: Mapping[str, Channel] = {one.name: one for one in self._sense.channels}
        self._channels = channels

    def plan(self, answer: Answer) -> RepairCommand | None:
        """Return how what `answer` decides is done; `None` if that is no repair, or a hold."""
        action = answer.estimate.action
        repair = self._config.actions.get(action)
        if repair is None:
            return None
        name = self._config.sense
        is_measured = name in answer.fresh
        reading = answer.sample.readings[name] if is_measured else answer.estimate.readings[name]
        reading = np.asarray(reading, np.float64)
        origin = f'{name} {"measures" if is_measured else "as the student sees it:"}'
        ground = surface.fit_ground(
            self._field(reading, self._config.channel), self._x_mm, self._y_mm
        )
        pitch, yaw = ground.approach_deg()
        tilt = float(np.degrees(np.arctan(np.hypot(ground.slope_x, ground.slope_y))))
        pressure, reasons, refusals = self._pressure(reading, repair, is_measured, answer)
        path, found = self._path(reading, repair)
        if not len(path):
            refusals.append(found)
        limit = self._config.max_tilt_deg.value
        if tilt > limit:
            refusals.append(f'the ground is tilted by {tilt:.0f} degrees (limit {limit:.0f})')
        if refusals:
            pressure, path = 0.0, np.zeros((0, 2))
        else:
            reasons.append(found)
        from_middle = path - self._profile.camera.view_mm / 2
        return RepairCommand(
            action=action,
            contact_pressure_kpa=pressure,
            approach_pitch_deg=pitch,
            approach_yaw_deg=yaw,
            path_mm=path,
            depth_mm=from_middle @ np.array([ground.slope_x, ground.slope_y]),
            request_human=bool(refusals),
            reasons=tuple(refusals) or (f'{origin} {reasons[0]}', *reasons[1:]),
        )

    def _pressure(
        self, reading: np.ndarray, repair: Repair, is_measured: bool, answer: Answer
    ) -> tuple[float, list[str], list[str]]:
        """Return the pressure, kPa, why it is that, and why a person has to look first.

        It is `safety` of what crushes the softest of the materials that are not negligible.
        """
        config = self._config
        felt = self._felt(reading, is_measured, answer.ood_score)
        if felt is None:
            reason = 'nobody measured how far the estimate is off: calibrate the weights'
            return 0.0, [], [reason]
        belief = self._model.believe(felt)
        high = repair.max_pressure_kpa.value
        pressures = np.minimum(config.safety.value * belief.crush_kpa, high)
        likeliest = int(np.argmax(belief.probability))
        negligible = min(config.negligible.value, belief.probability[likeliest])
        possible = np.flatnonzero(belief.probability >= negligible)
        softest = possible[np.argmin(pressures[possible])]
        pressure, sure = float(pressures[softest]), float(pressures[likeliest])
        # A layer that the tool cannot bend stays where it is, and the adhesive fills its gap.
        closing = belief.closing_kpa[possible]
        closing = float(np.where(closing <= high, closing, 0.0).max())
        needed = repair.min_pressure_kpa.value + (closing if repair.presses_back else 0.0)
        given = f'{max(felt.low_mm, 0.0):.2f} to {max(felt.high_mm, 0.0):.2f} mm of give'
        grounds = ' or '.join(
            f'{belief.names[index]} ({belief.probability[index]:.0%})'
            for index in sorted(possible, key=lambda each: -belief.probability[each])
        )
        reasons = [
            f'{given}: {grounds}; {belief.crush_kpa[softest]:.0f} kPa crush '
            f'{belief.names[softest]}'
        ]
        refusals = []
        # What seems harder than rigid is rough: it rings.
        if felt.low_mm > 0.0 and belief.deviation > config.max_deviation.value:
            refusals.append(f'{given}: no material of this wall is like that')
        elif pressure < (1.0 - config.max_gentler.value) * sure:
            refusals.append(f'{given}: {grounds}: too wide to press on')
        elif pressure < needed:
            refusals.append(
                f'{belief.names[softest]} bears {pressure:.1f} kPa, and the repair needs '
                f'{needed:.1f} kPa'
            )
        return pressure, reasons, refusals

    def _felt(self, reading: np.ndarray, is_measured: bool, ood_score: float) -> Felt | None:
        """Return how far the pins sink into the ground; `None` if nobody knows.

        It is their reach less that on a rigid ground of this roughness. Their upper quarter is as
        sure as their median. Measured, all pins are off by one drift, and by what the roughness is
        off; estimated, by what the calibration found too, more with an unusual picture.
        """
        config, channel = self._config, self._channels[self._config.channel]
        field = self._field(reading, config.channel)
        reach = np.quantile(field, [_LEAST_TENTH, _UPPER_QUARTER])
        noise = np.hypot(channel.noise_std, channel.relative_noise * reach)
        roughness = float(np.median(self._field(reading, config.roughness_channel)))
        peaks = config.peaks_per_roughness.value * roughness / 1e3
        std = float(np.hypot(config.drift_mm.value, config.roughness_error.value * peaks))
        between = float(noise.max())
        if not is_measured:
            wanted = [f'{part} {channel.name}' for part in ('least', 'median')]
            names = feature_names(self._sense)
            if self._calibration is None or not set(wanted) <= set(names):
                return None
            model = self._calibration.residuals[self._sense.name]
            places = [names.index(name) for name in wanted]
            reach = reach + model.bias[places]
            low_std, high_std = model.scale[places] * ood_score
            std, between = float(np.hypot(std, low_std)), float(np.hypot(between, high_std))
        sunk = reach - np.array([_LEAST_TENTH_STD, _UPPER_QUARTER_STD]) * noise
        low, high = sunk - config.standoff_mm.value - peaks
        return Felt(
            low_mm=float(low), high_mm=float(max(low, high)), std_mm=std, between_std_mm=between
        )

    def _path(self, reading: np.ndarray, repair: Repair) -> tuple[np.ndarray, str]:
        """Return the path, `float64[N, 2]`, and in words what it follows."""
        field = self._field(reading, repair.channel)
        ground = surface.fit_ground(field, self._x_mm, self._y_mm)
        heights = surface.relief(field, ground, self._x_mm, self._y_mm)
        heights = heights if repair.stands == 'above' else -heights
        noise = np.hypot(
            self._channels[repair.channel].noise_std,
            self._channels[repair.channel].relative_noise * abs(ground.height),
        )
        mask = surface.standing_out(heights, max(ground.std, float(noise)))
        what = f'{repair.channel} {repair.stands} its surroundings'
        if repair.path == 'ridge':
            if np.count_nonzero(mask) < 2:
                return np.zeros((0, 2)), f'there is no line of {what} to follow'
            line = surface.ridge(heights, mask, self._x_mm, self._y_mm)
            return line, f'along {np.ptp(line, 0).max():.0f} mm of {what}'
        # All alike: what was decided on fills the footprint.
        is_whole = not mask.any()
        mask = np.ones_like(mask) if is_whole else mask
        lines = surface.strokes(mask, self._x_mm, self._y_mm, self._config.tool_width_mm.value)
        return lines, f'over {"the whole footprint" if is_whole else f"the {what}"}'

    def _field(self, reading: np.ndarray, channel: str) -> np.ndarray:
        return reading[self._sense.elements_of(channel)].reshape(self._sense.shape[1:])


def make_planner(
    profile: Profile, calibration: Calibration | None, *, materials: Collection[str] = ()
) -> RepairPlanner | None:
    """Return the planner of a profile; `None`: `config/repair.yaml` does not name it.

    Args:
        profile: of the robot.
        calibration: of its weights, see `RepairPlanner`.
        materials: what the wall is made of, out of those in the file; none given: any of them.

    Raises:
        RepairError: the file cannot be used, has no such material, or has no use for any.
    """
    config = load_repairs(profile)
    if config is None and materials:
        raise RepairError(
            f'expected no materials of a wall for {profile.name}, got {", ".join(materials)}: '
            f'leave them out, or add {profile.name} to {FILE_NAME}'
        )
    if config is None:
        return None
    return RepairPlanner(profile, config.for_wall(materials), calibration)
