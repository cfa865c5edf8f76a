"""The simulation study behind `docs/statistics.md`: what is simulated, by which rule it fails, and what came of it."""
