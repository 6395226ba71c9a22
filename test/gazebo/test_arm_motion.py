# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The arm moved by MuJoCo, for Gazebo is not on PyPI; it is built from the world's own SDF."""

import numpy as np
import pytest

from crossmodal_kd_ros.gazebo import locate
from crossmodal_kd_ros.gazebo.world import sdf_text

mujoco = pytest.importorskip('mujoco', reason='mujoco is not installed: pip install mujoco')
etree = pytest.importorskip('lxml.etree', reason='lxml is not installed: pip install lxml')

LINKS = ('base', 'carriage', 'lift', 'reach', 'segment_1', 'segment_2', 'segment_3', 'tip')


class Arm:
    """The arm before the wall, driven as by the world's plugins: two speeds, and a force."""

    def __init__(self) -> None:
        """Start as the world does, all joints at zero."""
        world = etree.fromstring(sdf_text('jetty', 0).encode())
        self._sdf = world.find('.//model[@name="crossmodal_arm"]')
        face = world.find('.//model[@name="wall"]//collision[@name="face"]')
        (step_s,) = numbers(world, './/max_step_size')
        half = [size / 2 for size in numbers(face, './/size')]
        self._model = mujoco.MjModel.from_xml_string(f"""<mujoco>
          <compiler angle="radian"/><option timestep="{step_s}" integrator="implicitfast"/>
          <worldbody>{self._body(0, np.zeros(3))}
            <geom type="box" size="{text(half)}" pos="0 {half[1]} 0.5" friction="0.1 0.005 0.0001"/>
          </worldbody>
          <actuator><velocity joint="move_carriage0" kv="2000"/><velocity joint="move_lift0" kv="5000"/></actuator>
        </mujoco>""")
        self._data = mujoco.MjData(self._model)
        drive = next(
            each
            for each in self._sdf.findall('plugin')
            if each.findtext('joint_name') == 'move_reach'
        )
        self._gains = [numbers(drive, name)[0] for name in ('p_gain', 'd_gain', 'cmd_max')]

    def run(
        self, seconds: float, *, carriage: float = 0.0, reach: float
    ) -> tuple[np.ndarray, float, float]:
        """Return the tip's place (m), its tilt (degrees), and the force on the pad (N).

        Means over the second half.
        """
        forces, force = [], np.zeros(6)
        proportional, damping, most = self._gains
        step_s = self._model.opt.timestep
        for _ in range(round(seconds / step_s)):
            for index, target in enumerate((carriage, 0.0)):
                self._data.ctrl[index] = np.clip(
                    (target - self._data.qpos[index]) / step_s, -0.05, 0.05
                )
            self._data.qfrc_applied[2] = np.clip(
                proportional * (reach - self._data.qpos[2]) - damping * self._data.qvel[2],
                -most,
                most,
            )
            mujoco.mj_step(self._model, self._data)
            forces.append(0.0)
            for contact in range(self._data.ncon):
                mujoco.mj_contactForce(self._model, self._data, contact, force)
                forces[-1] += force[0]
        tip = self._model.body('tip').id
        tilt = np.degrees(np.arccos(np.clip(self._data.xmat[tip].reshape(3, 3)[1, 1], -1.0, 1.0)))
        return self._data.xpos[tip].copy(), tilt, float(np.mean(forces[len(forces) // 2 :]))

    def _body(self, index: int, parent: np.ndarray) -> str:
        link = self._sdf.find(f'link[@name="{LINKS[index]}"]')
        joint = next(
            each for each in self._sdf.findall('joint') if each.findtext('child') == LINKS[index]
        )
        place = np.array(numbers(link, 'pose')[:3])
        at = numbers(joint, 'pose')[:3] if joint.find('pose') is not None else [0.0, 0.0, 0.0]
        inertia = [numbers(link, f'inertial/inertia/{name}')[0] for name in ('ixx', 'iyy', 'izz')]
        joints = ''.join(
            f'<joint name="{joint.get("name")}{number}" type="{"slide" if joint.get("type") == "prismatic" else "hinge"}" '
            f'pos="{text(at)}" axis="{axis.findtext("xyz")}" damping="{axis.findtext("dynamics/damping")}" '
            f'stiffness="{axis.findtext("dynamics/spring_stiffness", "0")}" limited="true" '
            f'range="{axis.findtext("limit/lower")} {axis.findtext("limit/upper")}"/>'
            for number, axis in enumerate(joint.xpath('axis|axis2'))
        )
        pad = link.find('collision[@name="pad"]')
        geom = (
            ''
            if pad is None
            else (
                f'<geom type="box" size="{text([size / 2 for size in numbers(pad, ".//size")])}" '
                f'pos="{text(numbers(pad, "pose")[:3])}" friction="0.1 0.005 0.0001"/>'
            )
        )
        inside = self._body(index + 1, place) if index + 1 < len(LINKS) else ''
        return (
            f'<body name="{LINKS[index]}" pos="{text(place - parent)}"><inertial mass="{link.findtext("inertial/mass")}" '
            f'pos="{text(numbers(link, "inertial/pose")[:3])}" diaginertia="{text(inertia)}"/>{joints}{geom}{inside}</body>'
        )


def numbers(tree, path: str) -> list[float]:
    """Return the numbers in the first element at `path`."""
    return [float(word) for word in tree.findtext(path).split()]


def text(values) -> str:
    """Return numbers as MuJoCo reads them."""
    return ' '.join(f'{value:.9g}' for value in values)


def test_off_the_wall_the_arm_hangs_still_a_centimetre_low():
    place, tilt, force = Arm().run(3.0, reach=-0.04)

    assert force == 0.0
    assert tilt == pytest.approx(2.0, abs=0.3)
    assert place == pytest.approx((-0.3, -0.042, 0.491), abs=0.002)


def test_the_pad_presses_with_three_newton_on_each_panel_as_the_carriage_goes_along():
    arm = Arm()
    for index, carriage in enumerate((0.0, 0.2, 0.4, 0.6)):
        place, tilt, force = arm.run(6.0, carriage=carriage, reach=0.02)

        place_seen = locate(tuple(place))
        assert place_seen.panel == index
        assert place_seen.centre_mm[0] == pytest.approx(80.0, abs=2.0)
        assert abs(place_seen.gap_mm) < 0.5
        assert force == pytest.approx(3.0, abs=0.2)
        assert tilt < 3.0


def test_pressed_it_lets_go_again():
    arm = Arm()
    assert arm.run(2.0, reach=0.02)[2] > 2.5

    place, _, force = arm.run(2.0, reach=-0.04)

    assert force == 0.0
    assert place[1] < -0.03
