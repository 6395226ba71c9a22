# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The topics of a run: their names, relative to the namespace, and their types. It needs no ROS."""

CAMERA = 'camera/image_raw'
TOUCH = 'tactile/image'
GAS = 'gas/state'

ACTION = 'maintenance/action'
SCORES = 'maintenance/action_scores'
TOUCH_ESTIMATE = 'maintenance/tactile_estimate'
GAS_ESTIMATE = 'maintenance/gas_estimate'
SURFACE = 'maintenance/surface_state'
MODE = 'maintenance/mode'
MODE_REASON = 'maintenance/mode_reason'
DIAGNOSTICS = '/diagnostics'

TRUTH = 'simulation/truth'
TOUCH_TRUTH = 'simulation/tactile_truth'
EXPERT = 'simulation/expert'

_IMAGE, _JOINTS, _STRING = (
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/JointState',
    'std_msgs/msg/String',
)

INPUTS = {CAMERA: _IMAGE, TOUCH: _IMAGE, GAS: _JOINTS}
OUTPUTS = {
    ACTION: _STRING,
    SCORES: _JOINTS,
    TOUCH_ESTIMATE: _IMAGE,
    GAS_ESTIMATE: _JOINTS,
    SURFACE: _JOINTS,
    MODE: _STRING,
    MODE_REASON: _STRING,
    DIAGNOSTICS: 'diagnostic_msgs/msg/DiagnosticArray',
}
SIMULATION = {TRUTH: _JOINTS, TOUCH_TRUTH: _IMAGE, EXPERT: _STRING}
