"""What all dynamics share: a model of them, a simulator, an integrator, and the distance between the two."""
