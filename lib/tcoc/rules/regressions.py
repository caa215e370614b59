"""What of statsmodels is used: these modules alone load in three quarters of its api's time."""

from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.tools.tools import add_constant

__all__ = ["GLM", "OLS", "WLS", "add_constant", "families"]
