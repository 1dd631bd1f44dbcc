functions {
  // The density that a Dirichlet of the levels' probabilities induces on cut points (Betancourt 2019): P(Y > k) = inv_logit(-c[k]).
  real induced_dirichlet_lpdf(vector c, vector concentrations) {
    int cuts = num_elements(c);
    vector[cuts] above = inv_logit(-c);
    vector[cuts + 1] probability;
    probability[1] = 1 - above[1];
    for (k in 2:cuts) probability[k] = above[k - 1] - above[k];
    probability[cuts + 1] = above[cuts];
    return dirichlet_lpdf(probability | concentrations) + sum(log(above) + log1m(above));
  }
}
data {
  int<lower=1> rows, subgroups, covariates, levels;
  array[rows] int<lower=1, upper=levels> outcome;
  vector[rows] treatment;
  array[rows] int<lower=1, upper=subgroups> subgroup;
  matrix[rows, covariates] x;
}
transformed data {
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
  ordered[levels - 1] cut;
  real<lower=0> shift;
  vector[subgroups] w;
  vector[covariates] gamma;
}
transformed parameters {
  vector[subgroups] theta = mu + tau * z;
  vector[subgroups] alpha = shift * w;
}
model {
  mu ~ normal(0, 0.355);
  tau ~ normal(0, 0.25);
  z ~ std_normal();
  cut ~ induced_dirichlet(rep_vector(1, levels));
  shift ~ std_normal();
  w ~ std_normal();
  gamma ~ std_normal();
  outcome ~ ordered_logistic_glm(design, append_row(append_row(alpha, theta), gamma), cut);
}
