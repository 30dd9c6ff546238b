"""Sensitivity of layers, recommended plans, and plans for this and other toolkits."""
