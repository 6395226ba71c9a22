# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Thin rclpy shells round `runtime` and `simulation`: messages in, messages out, nothing else.

`maintenance_node` decides; `mission_node` says what the robot does next; `simulator_node` sends
what a simulated wall, a folder of photographs or a webcam shows; `in_process_camera` spares the
first the messages of its camera. Below all: `managed` (lifecycle), `parameters`,
`qos`, `conversions`.
"""
