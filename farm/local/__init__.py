"""The laptop farm: the very same CDK app, Lambdas and agent, on an AWS emulator and local processes.

What the emulator lacks, machines and a scaler that acts, is stood in for by `fleet`.
"""
