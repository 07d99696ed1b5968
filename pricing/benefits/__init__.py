"""What a plan's benefits cost: designs, actuarial value, claims adjudicated again."""
