# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Online inference without ROS: from messages to readings, and from readings to answers.

    profile = load_profile()
    pipeline = Pipeline(
        make_engine('torch', 'models', profile),
        calibration=load_calibration('models', profile),
        on_mode=print,
    )
    pipeline.put_image(stamp_ns, image)
    answer = pipeline.step(now_ns)

In reading order: `messages` and `sources` read the topics of a profile, `pipeline` keeps the
newest readings, `arbiter` says which sensors are believed and who decides, `engine` is what is
asked of the networks (`torch_engine` alone imports torch), `confidence` what the answer is worth.
"""

from crossmodal_kd_ros.health.reasons import Reason, ReasonCode, say
from crossmodal_kd_ros.runtime.announcer import ModeChange
from crossmodal_kd_ros.runtime.arbiter import Decision
from crossmodal_kd_ros.runtime.confidence import Pending
from crossmodal_kd_ros.runtime.config import RuntimeConfig
from crossmodal_kd_ros.runtime.engine import ENGINES, Engine, decide_with, make_engine
from crossmodal_kd_ros.runtime.pipeline import Frame, Pipeline, PipelineReport
from crossmodal_kd_ros.runtime.sample import Answer, Estimate, Perception, Sample

__all__ = [
    'ENGINES',
    'Answer',
    'Decision',
    'Engine',
    'Estimate',
    'Frame',
    'ModeChange',
    'Pending',
    'Perception',
    'Pipeline',
    'PipelineReport',
    'Reason',
    'ReasonCode',
    'RuntimeConfig',
    'Sample',
    'decide_with',
    'make_engine',
    'say',
]
