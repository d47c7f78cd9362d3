"""Composer: a GAN makes fragments, a DQN agent sequences them into compositions."""

__version__ = "0.1.0"
