"""The toy network of Halvagal, Laborieux and Zenke (2023): one linear or ReLU layer that learns from two views."""
