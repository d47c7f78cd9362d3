"""The agent: value network, replay and Bellman updates."""
