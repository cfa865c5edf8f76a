"""The groups of the command `msm-bench` that have a file of their own."""
