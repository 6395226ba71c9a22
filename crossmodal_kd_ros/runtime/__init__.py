# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Online inference without ROS: sensor health, the mode arbiter, the engine, and the pipeline that joins them.

    pipeline = Pipeline(TorchEngine('models'), on_mode=print)
    pipeline.put_image(stamp_ns, image)
    estimate = pipeline.step(now_ns)

`TorchEngine` is in `runtime.torch_engine`, the only module of this room that imports torch.
"""

from crossmodal_kd_ros.runtime.arbiter import Decision, ModeArbiter
from crossmodal_kd_ros.runtime.engine import Engine
from crossmodal_kd_ros.runtime.latency import LatencyWindow
from crossmodal_kd_ros.runtime.pipeline import Frame, Limits, ModeChange, Pipeline, PipelineReport
from crossmodal_kd_ros.runtime.sensor import Health, SensorReport, SensorState

__all__ = [
    'Decision', 'Engine', 'Frame', 'Health', 'LatencyWindow', 'Limits', 'ModeArbiter', 'ModeChange', 'Pipeline',
    'PipelineReport', 'SensorReport', 'SensorState']
