(() => {
  "use strict";
  const probability = (p) => {
    const digits = p >= 0.01 && p <= 0.99 ? 2 : 3;
    if (digits === 3 && p < 0.001) return "< 0.001";
    if (digits === 3 && p > 0.999) return "> 0.999";
    return p.toFixed(digits);
  };
  const source = document.getElementById("curves");
  if (source) {
    const curves = JSON.parse(source.textContent);
    const rows = document.querySelectorAll("#asked tr");
    const show = () => {
      const size = Number(document.getElementById("size").value);
      const within = Number(document.getElementById("within").value);
      document.getElementById("size-out").textContent = curves.labels[size];
      document.getElementById("within-out").textContent = curves.labels[within];
      curves.subgroups.forEach((s, g) => {
        const cells = rows[g].querySelectorAll("td");
        cells[0].textContent = probability(s.benefit[size]);
        cells[1].textContent = probability(s.harm[size]);
        cells[2].textContent = probability(s.equivalent[within]);
      });
    };
    for (const id of ["size", "within"]) document.getElementById(id).addEventListener("input", show);
    show();
  }
  // On paper nothing can be opened: what is closed is opened for it, the files apart.
  const closed = () => document.querySelectorAll("details:not(.file):not([open])");
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...closed()];
    for (const part of opened) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
    opened = [];
  });
  const prior = document.getElementById("prior");
  if (prior) {
    const choose = () => {
      for (const part of document.querySelectorAll(".under")) part.hidden = part.dataset.prior !== prior.value;
    };
    prior.addEventListener("change", choose);
    choose();
  }
})();
