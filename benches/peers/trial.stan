data {
  int<lower=1> rows, subgroups, covariates;
  array[rows] int<lower=0, upper=1> outcome;
  vector[rows] treatment;
  array[rows] int<lower=1, upper=subgroups> subgroup;
  matrix[rows, covariates] x;
}
transformed data {
  // One matrix for all coefficients: faster in the fused likelihood than a vector of intercepts.
  matrix[rows, 2 * subgroups + covariates] design = append_col(rep_matrix(0, rows, 2 * subgroups), x);
  for (i in 1:rows) {
    design[i, subgroup[i]] = 1;
    design[i, subgroups + subgroup[i]] = treatment[i];
  }
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[subgroups] z;
  vector[subgroups] alpha;
  vector[covariates] gamma;
}
transformed parameters {
  vector[subgroups] theta = mu + tau * z;
}
model {
  mu ~ normal(0, 0.355);
  tau ~ normal(0, 0.25);
  z ~ std_normal();
  alpha ~ normal(0, 1.5);
  gamma ~ std_normal();
  outcome ~ bernoulli_logit_glm(design, 0, append_row(append_row(alpha, theta), gamma));
}
