# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A living wall that can be seen, touched and smelt, the expert who knows what to do about it, and how sensors break.

`World` is a robot's tip travelling over panels; `draw_panels`, `Wall` and `Lit` are the panels
themselves, for data sets; `Injector` breaks readings as a `FaultSchedule` says.
Everything here is simulated: no figure measured on it is a figure measured on a real wall.
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
from crossmodal_kd_ros.simulation.panel import Panel, draw_panels
from crossmodal_kd_ros.simulation.scene import VIEW_MM, Lit, Truth, Wall
from crossmodal_kd_ros.simulation.world import RATES_HZ, World

__all__ = [
    'CONDITIONS',
    'DEMO_SCHEDULE',
    'FAULT_KINDS',
    'RATES_HZ',
    'VIEW_MM',
    'Delivery',
    'Fault',
    'FaultSchedule',
    'Injector',
    'Lit',
    'Panel',
    'Truth',
    'Wall',
    'World',
    'draw_panels',
    'kinds_of',
]
