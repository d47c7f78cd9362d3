"""Composer: a GAN makes fragments, a DQN agent sequences them into compositions."""

from composer.registration import register_on_import

__version__ = "0.1.0"

register_on_import()
