export { SHIPPED_MODELS } from '../assets.js';
