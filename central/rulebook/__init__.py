"""The life of rules: settings by place, stages, versions, trials, snoozes, floods, samples and replay."""
