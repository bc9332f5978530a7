"""The fifteen common corruptions of Hendrycks & Dietterich (2019), at five severities, on tensors of any size."""
