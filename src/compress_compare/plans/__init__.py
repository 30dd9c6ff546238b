"""Sensitivity of layers, what it recommends, and plans for this and other toolkits."""
