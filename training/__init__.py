"""The thin trainer: stages of midtraining and fine-tuning, chained on one LoRA adapter."""

from msm_bench.training.train import train_stage

__all__ = ["train_stage"]
