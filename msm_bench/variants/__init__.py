"""Variants of a Model Spec: ablated, rules, value-augmented, rule-augmented, general, anti, renamed."""
