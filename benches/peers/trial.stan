data {
  int<lower=1> rows, subgroups, covariates;
  array[rows] int<lower=0, upper=1> outcome;
  vector[rows] treatment;
  array[rows] int<lower=1, upper=subgroups> subgroup;
  matrix[rows, covariates] x;
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
  outcome ~ bernoulli_logit_glm(x, alpha[subgroup] + treatment .* theta[subgroup], gamma);
}
