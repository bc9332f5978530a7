"""What responses are good for: readouts on frozen features, distribution shifts, label noise."""
