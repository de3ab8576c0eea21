"""For people and tests, never deployed: the local AWS, deployments to it, the demo."""
