export function linearLogits(x: usize, w: usize, b: usize, out: usize, n: i32, c: i32, d: i32, across: i32): void {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++) {
      let sum: f32 = 0;
      for (let k = 0; k < d; k++) sum += load<f32>(x + 4 * (usize(i) * d + k)) * load<f32>(w + 4 * (usize(j) * d + k));
      store<f32>(out + 4 * (usize(i) * across + j), b ? sum + load<f32>(b + 4 * j) : sum);
    }
}
export function linearInput(g: usize, w: usize, out: usize, n: i32, c: i32, d: i32, across: i32, first: i32, scratch: usize): void {
  for (let i = 0; i < n; i++)
    for (let k = 0; k < d; k++) {
      const at = out + 4 * (usize(i) * d + k);
      let sum: f32 = first ? 0 : load<f32>(at);
      for (let j = 0; j < c; j++) sum += load<f32>(g + 4 * (usize(i) * across + j)) * load<f32>(w + 4 * (usize(j) * d + k));
      store<f32>(at, sum);
    }
}
export function linearWeight(g: usize, x: usize, out: usize, n: i32, c: i32, d: i32, across: i32, first: i32, scratch: usize): void {
  for (let j = 0; j < c; j++)
    for (let k = 0; k < d; k++) {
      const at = out + 4 * (usize(j) * d + k);
      let sum: f32 = first ? 0 : load<f32>(at);
      for (let i = 0; i < n; i++) sum += load<f32>(g + 4 * (usize(i) * across + j)) * load<f32>(x + 4 * (usize(i) * d + k));
      store<f32>(at, sum);
    }
}
export function linearScratch(): i32 {
  return 0;
}
export function linearBias(g: usize, out: usize, n: i32, c: i32, across: i32, first: i32): void {
  for (let j = 0; j < c; j++) {
    const at = out + 8 * j;
    let sum: f64 = first ? 0 : load<f64>(at);
    for (let i = 0; i < n; i++) sum += load<f32>(g + 4 * (usize(i) * across + j));
    store<f64>(at, sum);
  }
}
