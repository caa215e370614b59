"""What a number may be said to show: sampling error, who moved, verdicts and their evidence.

`units` sums beneficiaries by the unit that attributes them; `replicates` draws those units;
`intervals` reads the replicates; `moved` splits a hospital's growth by who came and went;
`verdicts` chooses the words that a statistic's measured error rates allow (rules R6 to R9).
"""
