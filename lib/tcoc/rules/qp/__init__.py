"""Qualifying APM participants: threshold scores of clinicians at hospitals (rules Q1-Q9).

`rules` types the policy; `counts` goes from claims to scores in the engine; `partners` chooses the
hospital and decides thresholds in whole numbers; `results` and `money` sum up; `explain` puts one
clinician's case in words. Everything is pure: tables and typed values in, tables out.
"""
