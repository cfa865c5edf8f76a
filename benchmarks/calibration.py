"""How well the statistics keep to their level: type-1 errors and coverage by simulation.

python benchmarks/calibration.py             # writes results/calibration.json, its sibling and the figure
python benchmarks/calibration.py --markdown  # prints the tables of docs/statistics.md from what is written
"""

from simulation.command import main

if __name__ == "__main__":
    main()
