(function () {
  "use strict";
  // Sorting: a click on a heading sorts by its column, a second click the other way round.
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach(function (heading, place) {
      heading.firstElementChild.addEventListener("click", function () {
        var down = heading.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        Array.from(body.rows).sort(function (one, other) {
          return compare(key(one, place), key(other, place), down ? -1 : 1);
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
  });

  function key(row, place) {
    var cell = row.cells[place];
    return cell && cell.colSpan === 1 ? cell.dataset.sort : "";
  }

  // Cells without a figure go last in both directions.
  function compare(one, other, sign) {
    if (one === "" || other === "") { return (one === "") - (other === ""); }
    var a = Number(one), b = Number(other);
    return sign * (isNaN(a) || isNaN(b) ? one.localeCompare(other) : a - b);
  }

  // Switches: a row is hidden where one of its values differs from a switch's choice.
  var form = document.getElementById("switches");
  function show() {
    var chosen = {};
    form.querySelectorAll("select").forEach(function (one) { chosen[one.dataset.switch] = one.value; });
    var shown = 0;
    document.querySelectorAll("tbody tr").forEach(function (row) {
      row.hidden = Object.keys(chosen).some(function (name) {
        return chosen[name] !== "" && row.dataset[name] !== undefined && row.dataset[name] !== chosen[name];
      });
      if (!row.hidden && row.dataset.horizon !== undefined) { shown += 1; }
    });
    document.getElementById("shown").textContent = shown + " cells shown";
  }
  if (form) {
    form.addEventListener("change", show);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    show();
  }

  // Charts: the text of the point under the pointer, or chosen by arrow keys, is shown below the chart.
  document.querySelectorAll("figure").forEach(function (figure) {
    var points = Array.from(figure.querySelectorAll(".tip"));
    var output = figure.querySelector(".tip-text");
    var at = -1;
    function show_tip(place) {
      points.forEach(function (point) { point.classList.remove("on"); });
      at = place;
      if (at >= 0) { points[at].classList.add("on"); }
      output.textContent = at < 0 ? "" : points[at].dataset.tip;
    }
    points.forEach(function (point, place) { point.addEventListener("pointerenter", function () { show_tip(place); }); });
    figure.querySelector(".chart").addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        show_tip((at + step + points.length) % points.length);
      } else if (event.key === "Escape") {
        show_tip(-1);
      }
    });
  });
}());
