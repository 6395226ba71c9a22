# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contact pressure, angles of approach and path of a repair, from one answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossmodal_kd_ros.calibration.consistency import feature_names
from crossmodal_kd_ros.calibration.model import Calibration
from crossmodal_kd_ros.profile import Channel, Profile
from crossmodal_kd_ros.repair import surface
from crossmodal_kd_ros.repair.config import Repair, RepairConfig, load_repairs
from crossmodal_kd_ros.runtime import Answer

# Of what is felt to be no softer than a rigid ground.
_LEAST_SOFTNESS_MM = 1e-3
# Of a normal distribution.
_LEAST_TENTH_STD = 1.2816


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

    def crush_kpa(self, softness_mm: float) -> float:
        """Return the pressure, kPa, that crushes a ground into which the pins sink by softness.

        A flat punch of radius a under a force F sinks into an elastic half-space by
        d = F (1 - nu^2) / (2 a E) (Sneddon 1965, doi 10.1016/0020-7225(65)90019-4). So E follows
        from d; a cellular ground collapses at `crush_strain` of its E.
        """
        config = self._config
        modulus_mpa = (
            config.pin_force_n.value
            * (1.0 - config.poisson_ratio.value**2)
            / (2.0 * config.tip_radius_mm.value * max(softness_mm, _LEAST_SOFTNESS_MM))
        )
        return 1e3 * config.crush_strain.value * modulus_mpa

    def _pressure(
        self, reading: np.ndarray, repair: Repair, is_measured: bool, answer: Answer
    ) -> tuple[float, list[str], list[str]]:
        """Return the pressure, kPa, why it is that, and why a person has to look first."""
        config = self._config
        softness, std = self._softness(reading, is_measured, answer.ood_score)
        softest = softness + config.caution_std.value * std
        low, high = repair.min_pressure_kpa.value, repair.max_pressure_kpa.value
        sure, pressure = (
            min(config.safety.value * self.crush_kpa(mm), high) for mm in (softness, softest)
        )
        reasons = [
            f'{max(softness, 0.0):.2f} mm of give, at most {max(softest, 0.0):.2f} mm: crushed by '
            f'{self.crush_kpa(softest):.0f} kPa'
        ]
        refusals = []
        if not np.isfinite(std):
            refusals.append('nobody measured how far the estimate is off: calibrate the weights')
        elif 1.0 - pressure / sure > config.max_gentler.value:
            refusals.append(
                f'the ground gives {softness:.2f} mm or {softest:.2f} mm: too wide to press on'
            )
        elif pressure < low:
            refusals.append(
                f'the ground bears {pressure:.1f} kPa, and the repair needs {low:.1f} kPa'
            )
        return pressure, reasons, refusals

    def _softness(
        self, reading: np.ndarray, is_measured: bool, ood_score: float
    ) -> tuple[float, float]:
        """Return how far the pins sink into the ground itself, and its standard deviation, mm.

        It is the least tenth of the reach, for a crack and a layer that has come off are no
        softness, less what a rigid ground of this roughness gives. Of n cells of noise the least
        tenth lies 1.28 standard deviations below the mean. Measured, it is off by a drift that is
        common to all pins; estimated, by what the calibration found, more with an unusual picture.
        """
        config, channel = self._config, self._channels[self._config.channel]
        least = float(np.quantile(self._field(reading, config.channel), 0.1))
        roughness = float(np.median(self._field(reading, config.roughness_channel)))
        bias, std = 0.0, config.drift_mm.value
        if not is_measured:
            name, names = f'least {channel.name}', feature_names(self._sense)
            if self._calibration is None or name not in names:
                std = np.inf
            else:
                model = self._calibration.residuals[self._sense.name]
                bias = float(model.bias[names.index(name)])
                std = float(np.hypot(std, model.scale[names.index(name)] * ood_score))
        noise = float(np.hypot(channel.noise_std, channel.relative_noise * least))
        rigid = config.standoff_mm.value + config.peaks_per_roughness.value * roughness / 1e3
        return least + bias + _LEAST_TENTH_STD * noise - rigid, std

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


def make_planner(profile: Profile, calibration: Calibration | None) -> RepairPlanner | None:
    """Return the planner of a profile; `None`: `config/repair.yaml` does not name it.

    Raises:
        RepairError: the file cannot be used.
    """
    config = load_repairs(profile)
    return None if config is None else RepairPlanner(profile, config, calibration)
