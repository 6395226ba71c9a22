# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A living wall with a robot on it, the expert who knows what to do, and how sensors break.

`World` is a robot's tip travelling over panels; `draw_panels`, `PanelScene` and `RenderedPanel`
are the panels themselves, for data sets; `Injector` breaks readings as a `FaultSchedule` says, of
any profile. Everything here is simulated: no figure measured on it is one of a real wall.
"""

from crossmodal_kd_ros.simulation.camera import CONDITIONS
from crossmodal_kd_ros.simulation.faults import (
    DEMO_SCHEDULE,
    FAULT_KINDS,
    Fault,
    FaultSchedule,
    kinds_of,
)
from crossmodal_kd_ros.simulation.injection import Delivery, Injector
from crossmodal_kd_ros.simulation.panel import MATERIALS, PROFILE, Panel, draw_panels
from crossmodal_kd_ros.simulation.scene import VIEW_MM, PanelScene, RenderedPanel, Truth, add_noise
from crossmodal_kd_ros.simulation.world import FRAME_IDS, RATES_HZ, World

__all__ = [
    'CONDITIONS',
    'DEMO_SCHEDULE',
    'FAULT_KINDS',
    'FRAME_IDS',
    'MATERIALS',
    'PROFILE',
    'RATES_HZ',
    'VIEW_MM',
    'Delivery',
    'Fault',
    'FaultSchedule',
    'Injector',
    'Panel',
    'PanelScene',
    'RenderedPanel',
    'Truth',
    'World',
    'add_noise',
    'draw_panels',
    'kinds_of',
]
